import { Refused } from '../errors.js';

/** An engine as it describes itself: what it is, and which limits it can enforce. */
export type EngineFacts = {
  readonly product: 'Docker' | 'Podman';
  readonly version: string;
  readonly apiVersion: string;
  /** Where its images lie: the storage driver, its own or containerd's. */
  readonly store: string;
  /** The version of the control groups it uses; undefined where it does not say. */
  readonly cgroup: string | undefined;
  /** Whose rights its containers have: the machine's root's, only its user's, or those of root in a user namespace. */
  readonly mode: 'root' | 'rootless' | 'userns-remap';
  /** The operating system of its containers. */
  readonly os: string;
  /** Which limits it can enforce. */
  readonly limits: { readonly memory: boolean; readonly cpus: boolean; readonly processes: boolean };
};

/** The major versions of Docker that creel was run on, as root and with control groups v1; README has the dates. */
const seenVersions: readonly number[] = [20, 28, 29];

/**
 * `Refused` when an engine is known to be unable to carry a gateway, naming what it is and what helps. One that was
 * never tried is let through.
 */
export function demandFit(engine: EngineFacts, where: string): void {
  const what = nameOf(engine);
  const more = 'See docs/runbook.md#engine-unfit';
  if (engine.product === 'Podman')
    throw new Refused(
      `${where} has ${what} behind Docker's socket, whose networks and restarts are other ones: creel needs Docker. Install it, and name its socket (CREEL_DOCKER). ${more}`,
    );
  if (engine.os !== 'linux')
    throw new Refused(`${where} has ${what} for ${engine.os} containers, a gateway needs Linux ones. ${more}`);
  const missing = missingLimits(engine);
  if (missing.length > 0)
    throw new Refused(
      `${where} has ${what}, which cannot limit ${missing.join(', ')} of a container. ${remedyOf(engine)}. ${more}`,
    );
}

/**
 * An engine for people, in one line. It says when creel has not been seen on such an engine, and which of its
 * directories cannot be seen from here, so that their disks go unchecked.
 */
export function describeEngine(engine: EngineFacts, unseenDirectories: readonly string[] = []): string {
  const { apiVersion, store, cgroup } = engine;
  const parts = [`API ${apiVersion}`, store, ...(cgroup === undefined ? [] : [`cgroup v${cgroup}`])];
  const untried = isTried(engine) ? '' : '; creel was not tried on one like it';
  const unseen =
    unseenDirectories.length === 0
      ? ''
      : `; the free disk of ${unseenDirectories.join(', ')} cannot be seen from the worker`;
  return `${nameOf(engine)} (${parts.join(', ')})${untried}${unseen}`;
}

function isTried({ product, version, mode, cgroup }: EngineFacts): boolean {
  const isSeen = seenVersions.includes(Number.parseInt(version, 10)) && cgroup !== '2';
  return product === 'Docker' && mode === 'root' && isSeen;
}

function nameOf({ product, version, mode }: EngineFacts): string {
  const how = { root: '', rootless: 'rootless ', 'userns-remap': '' }[mode];
  const remapped = mode === 'userns-remap' ? ' with userns-remap' : '';
  return `${how}${product} ${version}${remapped}`;
}

function missingLimits({ limits }: EngineFacts): string[] {
  return [
    ...(limits.cpus ? [] : ['processors']),
    ...(limits.memory ? [] : ['memory']),
    ...(limits.processes ? [] : ['the number of processes']),
  ];
}

function remedyOf({ mode }: EngineFacts): string {
  if (mode === 'rootless')
    return 'Delegate the cgroup controllers to its user (`systemctl edit user@.service`: Delegate=cpu cpuset io memory pids; Docker\'s manual, "Rootless mode", "Limiting resources"), or use an engine that runs as root';
  return "Its kernel lacks the controllers, as those of many network storages do, or they are switched off (`cgroup_enable=memory` among the kernel's parameters): switch them on, or choose another host";
}
