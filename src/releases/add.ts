import path from 'node:path';
import type { Client } from '@temporalio/client';
import { DockerodeEngine } from '../adapters/docker/engine.js';
import { TurnedDown } from '../client/failure.js';
import { demandWorker } from '../client/deployment/keys.js';
import { recordedReleases, tellRelease } from '../client/deployment/releases.js';
import { Refused } from '../domain/errors.js';
import { knownReleases } from '../domain/release/recorded.js';
import { compareReleases, type Catalogue, type Release } from '../domain/release/release.js';
import type { DockerEngine } from '../ports/docker-engine.js';
import { readConfig } from '../settings/config.js';
import { directories } from '../settings/directories.js';
import { makeImage, type Made } from './make.js';
import { demandPushing, push, repository } from './push.js';
import { demandPublished, readUpstream } from './registry.js';
import { tryRelease, type TrialPlan } from './trial.js';
import { findTried, noteTried, type Tried } from './tried.js';
import { inTurn } from './turn.js';

/** What `creel release add` is asked for; `push` is a repository in a registry. */
export type Adding = {
  readonly version: string;
  readonly push: string | undefined;
  /** OpenClaw's own image to make it on, by its digest; absent where it is made of npm's packages. */
  readonly base: string | undefined;
  /** Whether its trial is an upgrade to it. */
  readonly upgrade: boolean;
  readonly times: Pick<Release, 'readyMs' | 'firstReadyMs'>;
  readonly signal: AbortSignal;
  readonly say: (sentence: string) => void;
};

/** What came of it: the line on record, and where the list of the image's parts lies. */
export type Added = { readonly line: Release; readonly sbom: string };

/**
 * Makes the image of a release on this machine's engine, tries it there, pushes it where that is asked, and puts it on
 * record. Whatever can be refused is, before anything is touched; what an earlier, interrupted one has made is taken up.
 * `TurnedDown` and `Refused` with the reason; that of the signal once it has fired.
 */
export async function addRelease(client: Client, adding: Adding): Promise<Added> {
  try {
    return await add(client, adding);
  } catch (error) {
    adding.signal.throwIfAborted(); // Whatever was under way failed of that.
    throw error;
  }
}

async function add(client: Client, adding: Adding): Promise<Added> {
  const { version, times, signal } = adding;
  const to = adding.push === undefined ? undefined : repository(adding.push);
  const { engineSocket, catalogue, pool } = readConfig({ ...process.env });
  await demandWorker(client);
  const recorded = await recordedReleases(client);
  const before = recorded.find((each) => each.version === version);
  if (before && !before.dev && to === undefined)
    throw new TurnedDown(
      `release ${version} is on record as ${before.image}, for all machines. --push registry/name makes it anew and puts that in its place`,
      'Refused',
    );
  const pushing = to === undefined ? undefined : await demandPushing(engineSocket, to, signal);
  if (adding.base === undefined) demandPublished(await readUpstream(), version); // The base says itself what it is.
  const made = await makeImage(adding, engineSocket, signal);
  const line: Release = { version, image: made.image, dev: true, ...times };
  const known = adding.upgrade ? knownReleases(recorded, catalogue) : [];
  const { reloadsToken } = await demandTried(adding, made, { release: line, known, engineSocket, pool });
  const image = pushing && to !== undefined ? await push(pushing, made.image, to, version) : made.image;
  const added: Release = { ...line, image, dev: to === undefined, ...(reloadsToken && { reloadsToken }) };
  signal.throwIfAborted();
  await tellRelease(client, { word: 'add', line: added });
  return { line: added, sbom: made.sbom };
}

/** What a trial may come from, and where it goes on. */
type Trying = Pick<TrialPlan, 'release' | 'engineSocket' | 'pool'> & { readonly known: Catalogue };

/** Tries the image, unless this very one has proved itself here already. */
async function demandTried({ version, signal, say }: Adding, { image, sbom }: Made, trying: Trying): Promise<Tried> {
  const { known, ...where } = trying;
  const engine = new DockerodeEngine({ socketPath: where.engineSocket, signal: () => signal });
  const id = (await engine.findImage(image))?.id;
  if (id === undefined) throw new TurnedDown(`image ${image} is gone from this machine's engine already`, 'Error');
  const from = await trialBase(engine, known, version);
  const wanted = { image: id, upgrade: from !== undefined };
  const before = findTried(sbom, wanted);
  if (before) {
    say(`release ${version} was tried on this machine: the image is the same`);
    return before;
  }
  const seen = await inTrial((directory) => tryRelease({ ...where, ...(from && { from }), directory, signal, say }));
  const tried = { ...wanted, ...seen };
  noteTried(sbom, tried);
  return tried;
}

/** The newest release before this one that this machine's engine can have. */
async function trialBase(engine: DockerEngine, known: Catalogue, version: string): Promise<Release | undefined> {
  const older = known
    .filter((each) => compareReleases(each.version, version) < 0)
    .toSorted((one, other) => compareReleases(other.version, one.version));
  for (const each of older) if (!each.dev || (await engine.findImage(each.image))) return each;
  return undefined;
}

/** One trial at a time on this machine: the next one clears what carries the mark of trials of its release. */
async function inTrial<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = path.join(directories(process.env).cache, 'trial');
  try {
    return await inTurn(directory, () => work(directory));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const message = `the image was made and does not prove itself: ${error.message}. Nothing was put on record; see docs/runbook.md#a-new-openclaw-release`;
    throw new TurnedDown(message, 'Error', { cause: error });
  }
}
