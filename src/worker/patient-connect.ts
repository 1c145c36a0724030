import { setTimeout as after } from 'node:timers/promises';
import { NativeConnection, TransportError, type NativeConnectionOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { turnedAwayWith } from '../client/failure.js';
import { Refused } from '../domain/errors.js';

const paceMs = 1_000;

/** A wait is named again this often, so that a log's last lines say what a worker waits for. */
const sayAgainMs = 60_000;

/** A connection to a server that may not be up yet: a log line each minute that it has to be waited for, one when it is there. */
export async function connectPatiently(
  options: NativeConnectionOptions,
  log: Logger,
  signal: AbortSignal,
): Promise<NativeConnection> {
  return untilReachable(() => NativeConnection.connect(options), options.address ?? '', log, signal);
}

/** Repeats a call to Temporal for as long as the server cannot be reached, saying so again every `againMs`. One that lets nobody in is `Refused`; any other failure is thrown. */
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

/** Temporal's core tells a failed connection in words alone: these two are gRPC's for 16 and 7. */
const turnedAway = /does not have valid authentication credentials|does not have permission to execute/;

/** `Refused` when the server answers and does not let us in: no waiting helps. */
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

/** Whether an error says that the server is not there, or too busy, for now. */
export function isAway(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof TransportError) return true;
    if ('code' in each && typeof each.code === 'number' && away.includes(each.code)) return true;
  }
  return false;
}
