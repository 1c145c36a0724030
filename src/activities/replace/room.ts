import type { Changing } from '../../domain/gateway/changing.js';
import { Refused } from '../../domain/errors.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import { markLabels, names, type Gateway } from '../../domain/gateway/gateway.js';
import { measuring, wayLabel } from '../../domain/changes/copying.js';
import { isOver, measureCommand, overText, readSize, timedOut, type Size } from '../../domain/gateway/state-size.js';
import { replacementNames, type Replacement } from '../../domain/changes/replacement.js';
import { freeDiskFloorBytes, longestPathBytes, measureStateMs, memoryAtRestMb } from '../../domain/thresholds.js';
import { demandNoCopy } from '../parts/copier.js';
import type { Deps } from '../../world/deps.js';
import { releaseImageOf } from '../parts/release.js';

/**
 * The bytes that a gateway's state takes. A state that does not fit the disk a second time, or that no copy can take
 * whole, is refused while everything still serves.
 */
export async function demandRoom(deps: Deps, gateway: Changing<Replacement>): Promise<number> {
  const { bytes, tooLong } = await measure(deps, gateway);
  if (tooLong !== undefined) {
    throw new Refused(
      `the state of ${gateway.mark.gateway} has a path of more than ${longestPathBytes} bytes, which no copy can take: ${tooLong.slice(0, shownCharacters)}… Move or remove what lies that deep; nothing was touched. See docs/runbook.md#copy-refused`,
    );
  }
  demandWithin(gateway, bytes);
  const { freeDiskBytes } = await deps.hosts.readHost(gateway.place);
  if (freeDiskBytes === undefined || freeDiskBytes >= freeDiskFloorBytes + bytes) return bytes;
  const [free, needed] = [freeDiskBytes, freeDiskFloorBytes + bytes].map((each) => Math.floor(each / 1024 ** 2));
  throw new Refused(
    `host ${gateway.place.host} has ${free} MB of free disk; to save the state of ${names(gateway.mark).container} before it is replaced takes ${needed} MB. Free some; nothing was touched`,
  );
}

/**
 * `Refused` when the state takes more than its spec says (S0-34): a new container is made beside a whole copy of it.
 * The way back to a former release is never refused for that.
 */
function demandWithin({ mark, change }: Changing<Replacement>, bytes: number): void {
  const { diskMb } = change.to;
  if (change.kind === 'rollback' || diskMb === undefined || !isOver(bytes, diskMb)) return;
  throw new Refused(`${overText(mark.gateway, bytes, diskMb)}; nothing was touched`);
}

/** How much of an overlong path is shown. */
const shownCharacters = 200;

/** How long one attempt waits for a measurement; the next one finds it under way. */
const attemptMs = 20_000;

/**
 * Measures beside the gateway, not in it, so that nothing is left running in a customer's container: in one container
 * at most, which ends by itself when its time is up.
 */
async function measure(deps: Deps, gateway: Changing<Replacement>): Promise<Size> {
  await demandNoCopy(deps, gateway);
  const { exitCode, stdout, stderr } = await deps.engineAt(gateway.place).runErrand({
    name: replacementNames(gateway.mark).copier,
    labels: { ...markLabels(gateway.mark), [wayLabel]: measuring },
    imageId: (await releaseImageOf(deps, gateway)).id,
    command: measureCommand(),
    mounts: [{ volume: names(gateway.mark).volume, target: stateDirectory, readOnly: true }],
    limitMs: attemptMs,
  });
  if (exitCode === timedOut)
    throw new Refused(
      `the state of ${gateway.mark.gateway} could not be measured within ${measureStateMs / 60_000} minutes: it has too many files for the disk of host ${gateway.place.host}. Remove what it does not need; nothing was touched`,
    );
  const size = readSize(stdout);
  if (size) return size;
  throw new Error(
    `the size of the state of ${gateway.mark.gateway} could not be read: exit ${exitCode} ${stderr.trim().slice(-shownCharacters)}`,
  );
}

/**
 * Why the host has no room to start a second gateway on a copy of the state beside the serving one; undefined when it
 * has.
 */
export async function roomForStart(deps: Deps, { place }: Gateway): Promise<string | undefined> {
  const { availableMemoryMb, freeDiskBytes } = await deps.hosts.readHost(place);
  if (availableMemoryMb !== undefined && availableMemoryMb < memoryAtRestMb)
    return `host ${place.host} has ${availableMemoryMb} MB of memory that nobody uses, a second gateway takes ${memoryAtRestMb} MB`;
  if (freeDiskBytes !== undefined && freeDiskBytes < 2 * freeDiskFloorBytes)
    return `host ${place.host} has ${Math.floor(freeDiskBytes / 1024 ** 2)} MB of free disk, a copy may need ${(2 * freeDiskFloorBytes) / 1024 ** 2} MB`;
  return undefined;
}
