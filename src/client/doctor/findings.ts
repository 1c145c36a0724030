import ms from 'ms';
import { newestKey, type DeploymentKeys } from '../../domain/keys/deployment-keys.js';
import { fenceWord, whyUnfenced } from '../../domain/hosts/fence-trial.js';
import { clockFailMs, clockWarnMs, freeDiskFloorBytes } from '../../domain/thresholds.js';
import type { Examined, EngineAnswer } from '../../wire/examination.js';

/** One thing that was looked at, how it is, and what mends it where it is not well. */
export type Finding = {
  readonly about: string;
  readonly is: 'ok' | 'warn' | 'fail';
  readonly says: string;
  readonly cure?: string;
};

export function ok(about: string, says: string): Finding {
  return { about, is: 'ok', says };
}

export function warn(about: string, says: string, cure: string): Finding {
  return { about, is: 'warn', says, cure };
}

export function fail(about: string, says: string, cure: string): Finding {
  return { about, is: 'fail', says, cure };
}

/** What is held against what a worker says: the keys of the deployment, and the version of who asks. */
export type Expected = { readonly keys: DeploymentKeys; readonly creel: string };

/** What speaks for and against a worker and its engine, by what the worker says. */
export function workerFindings(name: string, told: Examined, expected: Expected): Finding[] {
  return [
    creelFinding(name, told, expected),
    keyFinding(name, told, expected),
    ...backupFindings(name, told),
    ...engineFindings(name, told.engine),
    pagerFinding(name, told),
    clockFinding(`clock of ${name}`, told.clockMs - told.temporalMs),
  ];
}

/** Judges a clock by how far it is from Temporal's. */
export function clockFinding(about: string, apartMs: number): Finding {
  const apart = Math.abs(apartMs);
  const says = `${(apart / 1000).toFixed(1)} s ${apartMs < 0 ? 'behind' : 'before'} Temporal's`;
  const cure = 'let its clock be set from the network (`timedatectl set-ntp true`), as that of the Temporal server';
  if (apart > clockFailMs) return fail(about, says, cure);
  return apart > clockWarnMs
    ? warn(about, says, cure)
    : ok(about, apart < 1_000 ? "Temporal's, within a second" : says);
}

function creelFinding(name: string, { creel }: Examined, expected: Expected): Finding {
  const about = `worker on ${name}`;
  if (creel === expected.creel) return ok(about, `runs creel ${creel}`);
  return warn(
    about,
    `runs creel ${creel}, and this is ${expected.creel}`,
    'install the same on both: docs/runbook.md#update-creel',
  );
}

function keyFinding(name: string, { keyIds }: Examined, { keys }: Expected): Finding {
  const about = `key on ${name}`;
  const wanted = keys.filter(({ state }) => state !== 'retired').map(({ id }) => id);
  const missing = wanted.filter((id) => !keyIds.includes(id));
  if (missing.length === 0) return ok(about, `the worker has ${wanted.join(' and ')}`);
  return fail(
    about,
    `the worker has ${keyIds.join(' and ')}, and not ${missing.join(' and ')}`,
    `copy the file of ${newestKey(keys).id} there: docs/runbook.md#key-rotation`,
  );
}

/** A worker of an older creel does not say. */
function backupFindings(name: string, { backup, keyIds, clockMs }: Examined): Finding[] {
  if (backup === undefined) return [];
  const about = `backup on ${name}`;
  const cure =
    "`creel key backup DIR`, as the worker's user there, or by other means and then `creel key backup --noted`";
  if (backup === 'never') return [warn(about, 'keys and secrets were never backed up, as far as is noted', cure)];
  const missing = keyIds.filter((id) => !backup.keyIds.includes(id));
  const when = `${ms(Math.max(0, clockMs - backup.at), { long: true })} ago`;
  if (missing.length > 0) return [warn(about, `of ${when}, and without the key ${missing.join(' and ')}`, cure)];
  if (backup.secretsChanged) return [warn(about, `of ${when}, and a secret has changed since`, cure)];
  return [ok(about, `of ${when}: keys and secrets as they are`)];
}

function engineFindings(name: string, engine: EngineAnswer): Finding[] {
  const about = `engine on ${name}`;
  if ('fails' in engine) return [fail(about, engine.fails, 'docs/runbook.md#engine-down has what each message means')];
  const { says, freeDiskBytes, releases, fence } = engine;
  const free = freeDiskBytes === undefined ? '' : `, ${(freeDiskBytes / 1024 ** 3).toFixed(1)} GB free`;
  const isFull = freeDiskBytes !== undefined && freeDiskBytes < freeDiskFloorBytes;
  const well = isFull
    ? fail(about, `${says}${free}`, 'make room: docs/runbook.md#host-full')
    : ok(about, `${says}${free}`);
  return [well, ...fenceFindings(name, fence), catalogueFinding(name, releases)];
}

/** A worker of an older creel does not say. */
function fenceFindings(name: string, fence: Answering['fence']): Finding[] {
  if (fence === undefined) return [];
  const about = `fence on ${name}`;
  const cure = '`creel hosts rules | sudo sh` there puts it up: README.md, "Fence the gateways in"';
  if ('fails' in fence) return [warn(about, `not known: ${fence.fails}`, cure)];
  const why = whyUnfenced(fenceWord(fence));
  return [why === undefined ? ok(about, 'gateways reach nothing private') : warn(about, why, cure)];
}

type Answering = Extract<EngineAnswer, { readonly says: string }>;

type Releases = Answering['releases'];

function catalogueFinding(name: string, releases: Releases): Finding {
  const about = `catalogue on ${name}`;
  if (releases.length === 0)
    return fail(
      about,
      'names no release: nothing can be provisioned',
      '`creel release add VERSION` there: README.md, "Catalogue of releases"',
    );
  const [missing] = releases.filter(({ dev, here }) => dev && !here);
  if (missing)
    return warn(
      about,
      `${missing.version} was to be built on this machine, and its image is not there`,
      `\`creel release add ${missing.version}\` there makes it; or take the line out`,
    );
  const named = releases.map(({ version, here }) => `${version}${here ? '' : ' (to be fetched when it is asked for)'}`);
  return ok(about, named.join(', '));
}

function pagerFinding(name: string, { pager, paged }: Examined): Finding {
  const about = `pager on ${name}`;
  const set = 'set CREEL_PAGER_URL and CREEL_PAGER_SECRET for the worker, and start it again';
  if (!pager) return warn(about, 'there is none: what a person must know goes to the log of the worker alone', set);
  if (paged === undefined) return ok(about, 'is configured; --page sends a real page');
  return paged === 'acknowledged'
    ? ok(about, 'a page was sent and acknowledged')
    : fail(about, paged.fails, 'mend what receives the pages, or name another by CREEL_PAGER_URL');
}
