import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { compareReleases, type Catalogue, type Release } from '../../domain/release/release.js';
import { visibilityMs } from '../../domain/thresholds.js';
import type { Description } from '../../wire/description.js';
import { releaseUpdate, type ReleaseOrder } from '../../wire/deployment-releases.js';
import { deploymentWorkflowId } from '../../wire/ids.js';
import type { Examined } from '../../wire/examination.js';
import { readHeld } from './deployment.js';
import { examine } from '../doctor/examine.js';
import { listEngines } from './engines.js';
import { NoWorker, TurnedDown, unwrap } from '../failure.js';
import { answerMs } from '../gateways.js';
import { namedBy } from '../named-by.js';
import { patiently } from '../patience.js';

/** A release as a fleet has it. */
export type KnownRelease = {
  readonly version: string;
  /** Absent for one that only the files of workers name. */
  readonly image?: string;
  readonly dev: boolean;
  /** On the deployment's record, which every worker reads; otherwise in the file of the workers that have it. */
  readonly recorded: boolean;
  /** How many gateways are on it that are not removed, as visibility has them. */
  readonly gateways: number;
  /** The workers that know it, by the machine of their engine, whether the image is on it already, and which channels that serves. */
  readonly workers: readonly { readonly host: string; readonly here: boolean; readonly channels?: readonly string[] }[];
};

/** The releases on record, in the order of the record. Needs no worker. */
export async function recordedReleases(client: Client): Promise<Catalogue> {
  return (await readHeld(client)).releases ?? [];
}

/**
 * Tells the deployment of its releases, and returns them as they are then. `TurnedDown` when it does not take that;
 * `NoWorker`.
 */
export async function tellRelease(client: Client, order: ReleaseOrder): Promise<Catalogue> {
  await readHeld(client);
  const handle = client.workflow.getHandle(deploymentWorkflowId);
  try {
    const tell = () => handle.executeUpdate(releaseUpdate, { args: [order] });
    const meanwhile = 'start one with `creel worker`, and give the command again: twice is once';
    return await patiently(client, tell, { withinMs: answerMs, meanwhile });
  } catch (error) {
    throw error instanceof NoWorker ? error : unwrap(error);
  }
}

/** Every release that the record or a worker's file names, newest first, and the machines whose workers did not answer. */
export async function listReleases(
  client: Client,
): Promise<{ readonly releases: readonly KnownRelease[]; readonly silent: readonly string[] }> {
  const recorded = await recordedReleases(client);
  const { told, silent } = await askWorkers(client);
  const versions = new Set([...recorded, ...told.flatMap(({ releases }) => releases)].map(({ version }) => version));
  const newestFirst = [...versions].toSorted((one, other) => compareReleases(other, one));
  const releases = await Promise.all(
    newestFirst.map(async (version) => ({
      ...summary(
        version,
        recorded.find((each) => each.version === version),
        told,
      ),
      gateways: await gatewaysOn(client, version),
    })),
  );
  return { releases, silent };
}

/** The versions that the record or a worker's file names, and the machines whose workers did not answer. */
export async function knownVersions(
  client: Client,
): Promise<{ readonly versions: readonly string[]; readonly silent: readonly string[] }> {
  const [recorded, { told, silent }] = await Promise.all([recordedReleases(client), askWorkers(client)]);
  const versions = [...recorded, ...told.flatMap(({ releases }) => releases)].map(({ version }) => version);
  return { versions: [...new Set(versions)], silent };
}

type Answer = Extract<Examined['engine'], { readonly says: string }>;

/** What one worker says that it knows. */
type Told = { readonly host: string; readonly releases: Answer['releases'] };

async function askWorkers(client: Client): Promise<{ told: Told[]; silent: string[] }> {
  const engines = await listEngines(client);
  const told: Told[] = [];
  const silent: string[] = [];
  const asked = engines.map(async ({ engine, host, attended }) => {
    const answer = attended ? await examine(client, engine, { fence: false }).catch(() => undefined) : undefined;
    if (answer && 'releases' in answer.told.engine) told.push({ host, releases: releasesOf(answer.told) });
    else silent.push(host);
  });
  await Promise.all(asked);
  return { told, silent };
}

function releasesOf({ engine }: Examined): Told['releases'] {
  return 'releases' in engine ? engine.releases : [];
}

function summary(version: string, line: Release | undefined, told: readonly Told[]): Omit<KnownRelease, 'gateways'> {
  const known = told.flatMap(({ host, releases }) =>
    releases.filter((each) => each.version === version).map((each) => ({ host, ...each })),
  );
  return {
    version,
    ...(line && { image: line.image }),
    dev: line?.dev ?? known.some(({ dev }) => dev),
    recorded: line !== undefined,
    workers: known.map(({ host, here, channels }) => ({ host, here, ...(channels && { channels }) })),
  };
}

async function gatewaysOn(client: Client, version: string): Promise<number> {
  const living = "WorkflowType = 'gateway' AND ExecutionStatus = 'Running' AND GatewayPhase != 'removed'";
  const { count } = await client.workflow.count(`${living} AND GatewayRelease = '${version}'`);
  return count;
}

/** In the place of a version where a gateway is on its way to one that it does not name yet. */
const some = 'some release';

/**
 * Takes a release off the record. `TurnedDown` while a gateway is on it, goes to it, may go back to it, or has a kept
 * state that it wrote; and for the last one. Whether it was there. One that took it in between is seen in a second look,
 * after which nobody can take it any more; then the line is put back.
 */
export async function removeRelease(client: Client, version: string): Promise<boolean> {
  const line = (await recordedReleases(client)).find((each) => each.version === version);
  if (!line) return false;
  await demandUnused(client, version);
  await tellRelease(client, { word: 'remove', version });
  try {
    await sleep(visibilityMs);
    await demandUnused(client, version);
  } catch (error) {
    await tellRelease(client, { word: 'add', line });
    throw error;
  }
  return true;
}

async function demandUnused(client: Client, version: string): Promise<void> {
  const users = await namedBy(client, 'release', (told) =>
    releasesNamed(told).map((name) => [name, told.gateway] as const),
  );
  const by = users.get(version) ?? [];
  if (by.length > 0) throw inUse(version, by);
  const moving = users.get(some) ?? [];
  if (moving.length > 0)
    throw new TurnedDown(
      `${named(moving)} is being upgraded, maybe to release ${version}: nothing was removed. Ask again when that is over`,
      'Refused',
    );
}

/** The releases that a gateway needs: of its container or its kept state, and the one that a rollback goes back to. */
export function releasesNamed({ phase, life, stateKeptUntil, former, running, queue }: Description): string[] {
  const moves = [...(running ? [running] : []), ...queue].some(({ kind }) => kind === 'upgrade');
  const moving = moves ? [some] : [];
  if (!life || (phase === 'removed' && stateKeptUntil === undefined)) return moving;
  return [...new Set([life.spec.release, ...(former ? [former.release] : []), ...moving])];
}

/** How many gateways one refusal names. */
const namedMost = 10;

function named(gateways: readonly string[]): string {
  const rest = gateways.length > namedMost ? ` and ${gateways.length - namedMost} more` : '';
  return `${gateways.slice(0, namedMost).join(', ')}${rest}`;
}

function inUse(version: string, by: readonly string[]): TurnedDown {
  return new TurnedDown(
    `release ${version} is needed by ${named(by)}: to run, for a kept state, or to go back to. Nothing was removed. Upgrade them, or remove them with their state; see docs/runbook.md#release-in-use`,
    'Refused',
  );
}
