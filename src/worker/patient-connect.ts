import { setTimeout as after } from 'node:timers/promises';
import { NativeConnection, TransportError, type NativeConnectionOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { turnedAwayWith } from '../client/failure.js';
import { Refused } from '../domain/errors.js';

const paceMs = 1_000;

/** How often a wait is logged again, so that a log's last lines say what a worker waits for. */
const sayAgainMs = 60_000;

/**
 * Connects to a server that may not be up yet: logs a line each minute it has to wait, and one when the server is
 * there.
 */
export async function connectPatiently(
  options: NativeConnectionOptions,
  log: Logger,
  signal: AbortSignal,
): Promise<NativeConnection> {
  return untilReachable(() => NativeConnection.connect(options), options.address ?? '', log, signal);
}

/**
 * Repeats a call to Temporal until the server can be reached, and logs that again every `againMs`. A server that turns
 * us away is `Refused`; any other failure is thrown.
 */
export async function untilReachable<T>(
  call: () => Promise<T>,
  address: string,
  log: Logger,
  signal: AbortSignal,
  againMs = sayAgainMs,
): Promise<T> {
  let saidAt: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      const answer = await call();
      if (saidAt !== undefined) log.info({ address }, 'Temporal answers');
      return answer;
    } catch (error) {
      demandLetIn(error, address);
      if (!isAway(error)) throw error;
      if (saidAt === undefined || performance.now() - saidAt >= againMs) {
        log.warn({ address, err: error }, 'Temporal does not answer; asking again every second');
        saidAt = performance.now();
      }
    }
    await after(paceMs, undefined, { signal });
  }
}

/** Temporal's core describes a failed connection in words alone: these two are for gRPC's 16 and 7. */
const turnedAway = /does not have valid authentication credentials|does not have permission to execute/;

/** `Refused` when the server answers and turns us away: waiting does not help. */
function demandLetIn(error: unknown, address: string): void {
  const words = error instanceof TransportError && turnedAway.test(error.message) ? error.message : undefined;
  const said = turnedAwayWith(error) ?? words;
  if (said === undefined) return;
  throw new Refused(
    `Temporal at ${address} answers and does not let this worker in: ${said}. Check TEMPORAL_API_KEY, the TLS settings and the namespace (TEMPORAL_NAMESPACE)`,
    { cause: error },
  );
}

const away = [4 /* deadline exceeded */, 8 /* resource exhausted */, 14 /* unavailable */];

/** Whether an error means that the server is, for now, not there or too busy. */
export function isAway(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof TransportError) return true;
    if ('code' in each && typeof each.code === 'number' && away.includes(each.code)) return true;
  }
  return false;
}
