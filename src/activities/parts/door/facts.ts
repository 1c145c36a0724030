import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { crashLoopEnds, servingMs } from '../../../domain/thresholds.js';
import { RpcError } from '../../../ports/gateway-door.js';
import { connectedChannels } from './channels.js';
import { containerOf } from '../container/container.js';
import type { Deps } from '../../../world/deps.js';
import { listDevices } from './devices.js';
import { knockAsOperator, openSession, turnedAway } from './operator.js';
import { lastLines } from '../container/readiness.js';
import { until } from '../../../world/until.js';

/** What must be true again of a gateway after its replacement. */
export type Facts = {
  /** The ids of the devices that it lets in. */
  readonly devices: readonly string[];
  /** The channels that are connected. */
  readonly channels: readonly string[];
};

/** The facts of a gateway that serves. One that has clearly ended is `Refused`, with its last lines. */
export async function servingFacts(deps: Deps, gateway: Gateway): Promise<Facts> {
  await demandUp(deps, gateway);
  return { devices: await pairedDevices(deps, gateway), channels: await connectedChannels(deps, gateway) };
}

/**
 * The facts of a gateway that may be down: undefined when it does not run, or does not let creel in within seconds. One
 * that was started just now gets the time of a start (S3-20).
 */
export async function factsIfServing(deps: Deps, gateway: Gateway): Promise<Facts | undefined> {
  const { state, startedAt } = await containerOf(deps, gateway);
  if (state !== 'running') return undefined;
  const limitMs = servingLimitMs(Date.now() - Date.parse(startedAt), deps.startPeriodMs);
  const wait = { what: `gateway ${gateway.mark.gateway} does not serve`, paceMs: 500, limitMs };
  try {
    return await until(wait, deps.signal(), async () => {
      await demandUnlocked(deps, gateway);
      return servingFacts(deps, gateway);
    });
  } catch (error) {
    if (error instanceof Refused || error instanceof RpcError) return undefined;
    throw error;
  }
}

/**
 * How long a gateway that has run for `ageMs` may take to let creel in: the rest of its start, and a few seconds at
 * least.
 */
export function servingLimitMs(ageMs: number, startPeriodMs: number): number {
  const leftMs = ageMs >= 0 ? startPeriodMs - ageMs : startPeriodMs; // Negative if the engine's clock is ahead.
  return Math.max(servingMs, leftMs);
}

/** The ids of the devices that a gateway lets in. */
export async function pairedDevices(deps: Deps, gateway: Gateway): Promise<string[]> {
  const session = await openSession(deps, gateway);
  try {
    return (await listDevices(session)).paired.map(({ deviceId }) => deviceId).toSorted();
  } finally {
    session.close();
  }
}

/** `Refused` when the container has ended; one that the engine restarts for the first time is waited for. */
async function demandUp(deps: Deps, gateway: Gateway): Promise<void> {
  const container = await containerOf(deps, gateway);
  const { state, exitCode, restartCount } = container;
  if (state !== 'exited' && !(state === 'restarting' && (exitCode === 78 || restartCount >= crashLoopEnds))) return;
  throw new Refused(
    `gateway ${gateway.mark.gateway} went down by itself (exit ${exitCode}) before anything was set aside. ${await lastLines(deps, gateway, container)}`,
  );
}

/**
 * A gateway that has locked outside clients out does serve, and lets creel in again after a minute: another attempt
 * will see.
 */
async function demandUnlocked(deps: Deps, gateway: Gateway): Promise<void> {
  const knock = await knockAsOperator(deps, gateway);
  if (knock.kind === 'open') return knock.session.close();
  const away = turnedAway(gateway, knock);
  throw knock.kind === 'locked out' ? new Error(away.message, { cause: away }) : away;
}
