import type Dockerode from 'dockerode';
import { demandEngine, engineId, type FormerIds } from '../../domain/hosts/engine-id.js';
import type { Place } from '../../domain/hosts/place.js';
import type { HostFacts } from '../../ports/host-provider.js';
import { request, whereIs, type EngineAt } from '../docker/call.js';
import { engineDisk, type DiskLook } from '../docker/disk.js';
import { unexpected } from '../docker/errors.js';
import { defaultNetworkForm, engineFacts, infoForm, versionForm, type EngineInfo } from '../docker/facts.js';
import { read } from '../docker/forms.js';
import { kernelOf, type KernelLook } from './kernel.js';

/** `GET /info` on a busy engine. */
const infoMs = 25_000;

const what = 'ask what the host has';

/** How the machine beside an engine is seen. */
export type MachineLook = KernelLook & DiskLook;

/**
 * What a host has: what its engine says, and what `look` sees of the machine. An engine that does not answer is
 * `NotYet`, another one than the place's `Foreign`.
 */
export async function readHost(
  at: EngineAt,
  place: Place,
  formerIds: FormerIds,
  look: (info: EngineInfo) => Promise<MachineLook>,
): Promise<HostFacts> {
  const [info, version, upSince] = await Promise.all([
    ask(at, (docker) => docker.info()).then((answer) => read(infoForm, answer, what)),
    ask(at, (docker) => docker.version()).then((answer) => read(versionForm, answer, what)),
    ask(at, readUpSince),
  ]);
  demandEngine(place, engineId(info.ID, whereIs(at)), whereIs(at), formerIds);
  const machine = await look(info);
  const [disk, kernel] = await Promise.all([engineDisk(info, machine), kernelOf(info.MemTotal, machine)]);
  return {
    engineId: info.ID,
    engine: engineFacts(info, version),
    architecture: info.Architecture,
    cpus: info.NCPU,
    memoryMb: Math.floor(info.MemTotal / 1024 ** 2),
    freeDiskBytes: disk.freeBytes,
    fullestDirectory: disk.directory,
    unseenDirectories: disk.unseen,
    upSince,
    clockMs: clockOf(info),
    ...kernel,
  };
}

/** An engine without a default network (`--bridge none`) does not say. */
async function readUpSince(docker: Dockerode): Promise<string | undefined> {
  const found = await docker
    .getNetwork('bridge')
    .inspect()
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode === 404) return undefined;
      throw error;
    });
  return defaultNetworkForm.safeParse(found).data?.Created;
}

function clockOf({ SystemTime }: EngineInfo): number | undefined {
  const now = Date.parse(SystemTime ?? '');
  return Number.isNaN(now) ? undefined : now;
}

async function ask<T>(at: EngineAt, run: (docker: Dockerode) => Promise<T>): Promise<T> {
  try {
    return await request(at, { what, limitMs: infoMs }, run);
  } catch (error) {
    throw unexpected(error, what);
  }
}
