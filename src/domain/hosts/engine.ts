import { Refused } from '../errors.js';

/** An engine in its own words: what it is, and what it can hold a container to. */
export type EngineFacts = {
  readonly product: 'Docker' | 'Podman';
  readonly version: string;
  readonly apiVersion: string;
  /** Where its images lie: a storage driver, of its own or of containerd. */
  readonly store: string;
  /** The version of the control groups that it uses; undefined where it does not say. */
  readonly cgroup: string | undefined;
  /** Whose rights its containers have: the machine's root, nobody's but its user's, or root within a user namespace. */
  readonly mode: 'root' | 'rootless' | 'userns-remap';
  /** What its containers are made for. */
  readonly os: string;
  /** What it can limit. */
  readonly limits: { readonly memory: boolean; readonly cpus: boolean; readonly processes: boolean };
};

/** The major versions of Docker that creel was run on, as root and with control groups v1; README has the dates. */
const seenVersions: readonly number[] = [20, 28, 29];

/** `Refused` when an engine is known not to carry a gateway, naming what it is and what helps. What was never tried is let through. */
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
      `${where} has ${what}, which cannot limit ${missing.join(', ')} of a container. ${cureOf(engine)}. ${more}`,
    );
}

/**
 * An engine for people, in a line; it says so when creel has not been seen on one like it, and which of its directories nobody
 * here can see, so that their disk is not asked before something is put there.
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

function cureOf({ mode }: EngineFacts): string {
  if (mode === 'rootless')
    return 'Delegate the cgroup controllers to its user (`systemctl edit user@.service`: Delegate=cpu cpuset io memory pids; Docker\'s manual, "Rootless mode", "Limiting resources"), or use an engine that runs as root';
  return "Its kernel lacks the controllers, as those of many network storages do, or they are switched off (`cgroup_enable=memory` among the kernel's parameters): switch them on, or choose another host";
}
