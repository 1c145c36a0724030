import type { Changing } from '../domain/change.js';
import { Refused } from '../domain/errors.js';
import { stateDirectory } from '../domain/gateway-config.js';
import { markLabels, names, type Gateway } from '../domain/gateway.js';
import { replacementLabel, replacementNames, type Replacement } from '../domain/replacement.js';
import { freeDiskFloorBytes, memoryAtRestMb } from '../domain/thresholds.js';
import type { ExecResult } from '../ports/docker-engine.js';
import { containerOf } from './container.js';
import type { Deps } from './deps.js';
import { releaseImageOf } from './release.js';

/** How long measuring a state may take: a walk over its files. */
const measureMs = 20_000;

/** The bytes that a gateway's state takes. One that does not fit the disk once more is refused, while everything still serves. */
export async function demandRoom(deps: Deps, gateway: Changing<Replacement>): Promise<number> {
  const { stdout } = await measure(deps, gateway);
  const bytes = Number.parseInt(stdout, 10) * 1024;
  if (Number.isNaN(bytes)) throw new Error(`the size of the state of ${gateway.mark.gateway} could not be read`);
  const { freeDiskBytes } = await deps.hosts.readHost(gateway.place);
  if (freeDiskBytes === undefined || freeDiskBytes >= freeDiskFloorBytes + bytes) return bytes;
  const [free, needed] = [freeDiskBytes, freeDiskFloorBytes + bytes].map((each) => Math.floor(each / 1024 ** 2));
  throw new Refused(
    `host ${gateway.place.host} has ${free} MB of free disk; to save the state of ${names(gateway.mark).container} before it is replaced takes ${needed} MB (S4-25). Free some; nothing was touched`,
  );
}

/** A rollback may leave a gateway that does not run: its state is measured beside it. */
async function measure(deps: Deps, gateway: Changing<Replacement>): Promise<ExecResult> {
  const engine = deps.engineAt(gateway.place);
  const command = ['du', '-sk', stateDirectory];
  if (gateway.change.kind !== 'rollback') {
    const { id } = await containerOf(deps, gateway);
    return engine.exec(id, { command, input: '', timeoutMs: measureMs });
  }
  return engine.runErrand({
    name: replacementNames(gateway.mark).copier,
    labels: { ...markLabels(gateway.mark), [replacementLabel]: String(gateway.change.number) },
    imageId: (await releaseImageOf(deps, gateway)).id,
    command,
    mounts: [{ volume: names(gateway.mark).volume, target: stateDirectory, readOnly: true }],
    limitMs: measureMs,
  });
}

/** Why a host has no room to start a second gateway on a copy of the state beside the one that serves; undefined when it has. */
export async function roomForStart(deps: Deps, { place }: Gateway): Promise<string | undefined> {
  const { availableMemoryMb, freeDiskBytes } = await deps.hosts.readHost(place);
  if (availableMemoryMb !== undefined && availableMemoryMb < memoryAtRestMb)
    return `host ${place.host} has ${availableMemoryMb} MB of memory that nobody uses, a second gateway takes ${memoryAtRestMb} MB`;
  if (freeDiskBytes !== undefined && freeDiskBytes < 2 * freeDiskFloorBytes)
    return `host ${place.host} has ${Math.floor(freeDiskBytes / 1024 ** 2)} MB of free disk, a copy may need ${(2 * freeDiskFloorBytes) / 1024 ** 2} MB`;
  return undefined;
}
