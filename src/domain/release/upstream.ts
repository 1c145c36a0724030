import { compareReleases } from './release.js';

/** What a registry has of OpenClaw. */
export type Upstream = { readonly versions: readonly string[]; readonly latest: string | undefined };

/** An upgrade to a release that was tried on a gateway of this fleet, and went back. */
export type FailedUpgrade = {
  readonly release: string;
  readonly gateway: string;
  readonly at: string;
  readonly reason: string;
};

/** A release that a registry has and the fleet has not, or that upgrades of this fleet to it have failed. */
export type Judged = {
  readonly version: string;
  /** The registry gives it to whoever names no version. */
  readonly latest: boolean;
  /** How often an upgrade of this fleet to it went back, and how the last one did. */
  readonly failures: number;
  readonly last?: FailedUpgrade;
};

/** What a look upstream comes to. */
export type Check = {
  /** The newest release that the fleet knows; absent when it knows none. */
  readonly newest?: string;
  /** Releases that are newer than that, newest first; no trial versions. */
  readonly newer: readonly Judged[];
  /** Releases that the fleet knows and that were tried and failed, newest first. */
  readonly bad: readonly Judged[];
};

/** Holds what a registry has against what a fleet knows, and has lived through. */
export function judge(upstream: Upstream, known: readonly string[], failed: readonly FailedUpgrade[]): Check {
  const newest = known.toSorted(newestFirst)[0];
  const judged = (version: string): Judged => {
    const failures = failed.filter(({ release }) => release === version);
    const [last] = failures.toSorted((one, other) => other.at.localeCompare(one.at));
    return { version, latest: version === upstream.latest, failures: failures.length, ...(last && { last }) };
  };
  const isNewer = (version: string) => newest === undefined || compareReleases(version, newest) > 0;
  const isFailed = (version: string) => failed.some(({ release }) => release === version);
  return {
    ...(newest !== undefined && { newest }),
    newer: upstream.versions.filter(isReleased).filter(isNewer).toSorted(newestFirst).map(judged),
    bad: known.filter(isFailed).toSorted(newestFirst).map(judged),
  };
}

/** Whether a version is meant for everybody: one of a trial names it after a dash. A number there is a repetition. */
function isReleased(version: string): boolean {
  return /^\d{4}\.\d{1,2}\.\d{1,2}(?:-\d+)?$/.test(version);
}

function newestFirst(one: string, other: string): number {
  return compareReleases(other, one) || other.localeCompare(one, 'en', { numeric: true });
}
