import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Flags } from '../../../client/connect.js';
import { TurnedDown } from '../../../client/failure.js';
import { listRuns, startRekeying } from '../../../client/fleet.js';
import { holdDeployment, type Deployment } from '../../../client/deployment/hold-deployment.js';
import { askOthers, demandWorker, findRekeying, readNamings, tellDeployment } from '../../../client/deployment/keys.js';
import { keyFiles } from '../../../settings/config.js';
import { currentKey, keyId, keysOf, newestKey, type DeploymentKeys } from '../../../domain/keys/deployment-keys.js';
import type { Naming } from '../../../domain/fleet/key-naming.js';
import { visibilityMs } from '../../../domain/thresholds.js';
import { keyCheck, type MasterKey } from '../../../domain/keys/token.js';
import { createKey, nextKeyFile, openKey, openKeys, promoteKey } from '../../../settings/key-file.js';
import { confirm } from '../../confirm.js';
import { exits, type Exit } from '../../exit.js';
import { followFleet } from '../fleet.js';
import { origin } from '../provision.js';
import { planOf } from '../rotate-all.js';
import { withTemporal } from '../../verb.js';
import { counted } from '../../../domain/amounts.js';

type Options = Flags & {
  readonly json?: true;
  readonly yes?: string;
  readonly window?: string;
  readonly maxFailed?: string;
  readonly beginWithin?: string;
  readonly dryRun?: true;
};

/** What a rotation of the key works with. */
type Work = {
  readonly client: Client;
  readonly files: ReturnType<typeof keyFiles>;
  readonly options: Options;
  readonly held: Deployment;
  readonly say: (line: string) => void;
};

/** `creel key rotate`: every step is repeatable, so after any interruption the same command carries on. */
export async function rotateKey(options: Options): Promise<void> {
  const files = keyFiles(process.env);
  const replaced = options.yes === undefined ? undefined : keyId(options.yes);
  planOf(options);
  const keys = openKeys(files.keyFile);
  await withTemporal(options, async (client) => {
    const held = await holdDeployment(client, keys);
    const say = (line: string) => void (options.json ? undefined : process.stdout.write(`${line}\n`));
    const work: Work = { client, files, options, held, say };
    if (options.dryRun) return sayWhatWouldBe(work);
    if (await isFinished(work, replaced)) return;
    const { next, namings, exit } = await carryOver(work, await takeNext(work));
    if (namings.length === 0) await promote(work, next);
    else sayWhoNames(work, namings);
    process.exitCode = namings.length === 0 ? exits.done : exit === exits.done ? exits.attention : exit;
    if (options.json) sayEnd(work, next, namings);
  });
}

/**
 * Whether nothing is left to rotate: a key that was replaced already is not replaced again. Finishes what a rotation on
 * another machine, or an interrupted one, left undone here.
 */
async function isFinished({ files, held, options, say }: Work, replaced: string | undefined): Promise<boolean> {
  const keys = keysOf(held);
  const [current, next] = [currentKey(keys), openKeys(files.keyFile)[0]];
  const leftHere = newestKey(keys) === current && next?.id === current.id && openKey(files.keyFile).id !== current.id;
  if (leftHere) await finishHere(files, held.deployment);
  const before = keys.find(({ id, state }) => state === 'retired' && id === replaced);
  if (!leftHere && !before) return false;
  if (options.json) process.stdout.write(`${JSON.stringify({ key: current.id, state: 'done', naming: [] })}\n`);
  say(`Key ${current.id} is the current one${before ? `; ${before.id} is retired` : ', here too now'}.`);
  return true;
}

/** Makes the next key's file and announces the key; from then on everything new is derived from it. */
async function takeNext({ client, files, held, options, say }: Work): Promise<MasterKey> {
  const file = nextKeyFile(files.keyFile);
  const keys = keysOf(held);
  const begun = newestKey(keys).state === 'next' || existsSync(file);
  if (!begun) {
    await refuseBesideOthers(client);
    await demandWorker(client); // A missing worker is noticed before anything is made.
    const { id } = currentKey(keys);
    await confirm(id, options.yes, `every gateway gets a token of another key than ${id}, and must be told`);
  }
  if (newestKey(keys).state === 'current' && createKey(file))
    say(`Made the next master key ${file}: back it up now, and copy it to every machine with a worker.`);
  const next = openKey(file);
  await tellDeployment(client, { word: 'announce', id: next.id, check: keyCheck(next, held.deployment) });
  say(`Key ${next.id} is announced: whatever is new is derived from it.`);
  return next;
}

/** Refuses while another run over the fleet is going: it would derive from the old key, and be refused. */
async function refuseBesideOthers(client: Client): Promise<void> {
  const [other] = await listRuns(client);
  if (other === undefined) return;
  throw new TurnedDown(
    `run ${other.run} goes through the fleet already. Wait for its end (\`creel fleet status ${other.run} --follow\`), or end it with \`creel fleet abort ${other.run}\`. Nothing was made`,
    'Refused',
  );
}

/** Moves stored secrets and gateways to the next key, and returns who still does not name it: they are in the way. */
async function carryOver(
  { client, files, held, options, say }: Work,
  next: MasterKey,
): Promise<{ next: MasterKey; namings: Naming[]; exit: Exit }> {
  const announcedAt = Date.now();
  await rekeySecrets(files, held.deployment, say);
  const before = await readOthers(client, held, next);
  const { run, open, number } = await findRekeying(client, next.id);
  let exit: Exit = exits.done;
  if (open || before.length > 0) {
    if (!open) {
      await tellDeployment(client, { word: 'run', id: next.id, number });
      await startRekeying(client, { run, plan: planOf(options), origin: origin(), keyId: next.id });
    }
    say(`Rotating the fleet to it: run ${run}. Look again, pause or abort with: creel fleet status|pause|abort ${run}`);
    exit = await followFleet(client, run, options.json === true);
  }
  await sleep(Math.max(0, announcedAt + visibilityMs - Date.now()));
  return { next, namings: await askOthers(client, keysOf(held), next.id), exit };
}

/** Retires the old key, which nobody names any more. The namespace says so first: a worker needs no retired key. */
async function promote({ client, files, held, say }: Work, next: MasterKey): Promise<void> {
  await tellDeployment(client, { word: 'promote', id: next.id });
  const { id } = currentKey(keysOf(held));
  say(`Nobody names key ${id} any more: it is retired.`);
  await finishHere(files, held.deployment);
  say(
    `Key ${next.id} is the current one and lies at ${files.keyFile}; the file of ${id} is ${files.keyFile}.retired-${id}.`,
  );
}

async function finishHere(files: Work['files'], deployment: string): Promise<void> {
  await rekeySecrets(files, deployment, () => undefined);
  await promoteKey(files.keyFile);
}

async function rekeySecrets(files: Work['files'], deployment: string, say: Work['say']): Promise<void> {
  const { openSecrets } = await import('../../../open-world.js'); // Too heavy to load for every verb.
  const count = await openSecrets(files, () => openKeys(files.keyFile), deployment).rekey();
  if (count > 0) say(`${count} stored secrets are encrypted with it.`);
}

/** The gateways whose records name another key than this one, or none. */
async function readOthers(client: Client, held: Deployment, { id }: Pick<MasterKey, 'id'>): Promise<Naming[]> {
  return (await readNamings(client, keysOf(held))).filter((each) => each.keyId !== id);
}

function sayWhoNames({ held, say }: Work, namings: readonly Naming[]): void {
  say(`Key ${currentKey(keysOf(held)).id} stays in use beside it, because it is named by:`);
  for (const { gateway, remedy } of namings) say(`  ${gateway}: ${remedy}`);
  say('Then give the command again.');
}

function sayEnd({ held }: Work, { id }: MasterKey, naming: readonly Naming[]): void {
  const state = naming.length === 0 ? 'done' : 'waits';
  const before = currentKey(keysOf(held)).id;
  process.stdout.write(`${JSON.stringify({ key: id, before, state, naming })}\n`);
}

async function sayWhatWouldBe({ client, held, options, files, say }: Work): Promise<void> {
  const keys: DeploymentKeys = keysOf(held);
  const newest = newestKey(keys);
  const begun = newest.state === 'next' ? newest.id : undefined;
  const naming = await readOthers(client, held, { id: begun ?? 'a new key' });
  if (options.json) return void process.stdout.write(`${JSON.stringify({ next: begun, naming })}\n`);
  say(
    begun === undefined ? `A next key would be made at ${nextKeyFile(files.keyFile)}.` : `Key ${begun} is on its way.`,
  );
  say(`${counted(naming.length, 'gateway')} with another key:`);
  for (const { gateway, keyId: id } of naming) say(`  ${gateway}: ${id ?? 'does not answer'}`);
  say('nothing was asked of anybody');
}
