import { rmSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DockerodeEngine } from '../adapters/docker/engine.js';
import { pipe, terminal } from '../cli/show/follow.js';
import { startDeployment, type Deployment } from '../client/deployment/hold-deployment.js';
import type { Frame } from '../client/follow/frame.js';
import { Refused } from '../domain/errors.js';
import { openSecrets } from '../open-world.js';
import { readConfig } from '../settings/config.js';
import { createKey, openKeys } from '../settings/key-file.js';
import type { Accepted } from '../wire/requests.js';
import {
  bringUp,
  demoGateway,
  demoRelease,
  findRemoval,
  followUntil,
  livesAlready,
  mintLink,
  offerOf,
  removalIsOver,
  takeDown,
  whereItStands,
} from './demo-gateway.js';
import { costsOn, demandHost, demoHost, holdHost, letGoOfHost } from './demo-host.js';
import { DemoMachines } from './demo-machines.js';
import { agreed } from './demo-price.js';
import {
  demoModel,
  noModelThere,
  provideAnthropic,
  provideStandIn,
  type DemoModel,
  type ProvidedModel,
} from './demo-model.js';
import {
  claimDemo,
  demoHome,
  demoNamespace,
  releaseDemo,
  rememberedPorts,
  type DemoHome,
  type DemoHost,
} from './demo-home.js';
import { endAll, keepAlive, provideServer, startWorker } from './demo-processes.js';
import { summaryLines } from './demo-summary.js';
import { readFound, type Found } from './found.js';
import { Interrupts } from './interrupts.js';
import { processOf } from './own-process.js';
import { startServer } from './temporal-server.js';

/** After a first Ctrl-C, how long the removal of the gateway waits for a second one. */
const secondThoughtMs = 2_000;

type Flags = {
  readonly keep: boolean;
  readonly once: boolean;
  readonly model?: string | undefined;
  readonly host?: string | undefined;
  readonly region?: string | undefined;
  readonly workers?: string | undefined;
  readonly yes?: string | undefined;
};

/** What is up while the demo runs. */
type Stage = {
  readonly home: DemoHome;
  readonly found: Found;
  readonly client: Client;
  readonly deployment: Deployment;
  readonly ui: string;
  readonly provided: ProvidedModel;
  /** Where the gateway's machine is bought; undefined for one on this machine's engine. */
  readonly machines: DemoMachines | undefined;
  readonly interrupts: Interrupts;
  /** What is known at the end: whether nothing of the deployment is left anywhere. */
  readonly end: { isBare: boolean };
  /** Rejects when the server or the worker cannot be kept alive. */
  readonly broken: Promise<never>;
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What was asked for on the command line. */
function readFlags(): Flags {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = { keep: flag, once: flag, model: text, host: text, region: text, workers: text, yes: text };
  return parseArgs({ options }).values;
}

async function main(): Promise<number> {
  const flags = readFlags();
  forgetSettings(process.env);
  const model = demoModel(flags.model, process.env);
  const host = demoHost(flags);
  const interrupts = new Interrupts();
  const found = readFound(process.env);
  if (!found.images[demoRelease])
    throw new Refused(`the image of release ${demoRelease} is not prepared: run scripts/bootstrap`);
  const home = demoHome(process.env);
  const other = await claimDemo(home, await rememberedPorts(home));
  if (other) {
    say(
      `A demo runs already: process ${other.pid}, Temporal at ${other.address}, UI ${other.ui}. Stop it there with Ctrl-C, or use it: npx creel list`,
    );
    return 1;
  }
  const stopping = new AbortController();
  const end = { isBare: false };
  let code = 1;
  let machines: DemoMachines | undefined;
  const perform = async () => {
    demandHost(home, host);
    if (host.kind !== 'local') machines = await DemoMachines.open(home, found, host, flags.workers);
    const stage = await raise(home, found, { model, machines, end }, interrupts, stopping.signal);
    code = await Promise.race([play(stage, flags), stage.broken]);
    return code;
  };
  try {
    return await Promise.race([perform(), lostPatience(interrupts)]);
  } catch (error) {
    say(`The demo's files, with the logs of server and worker, lie in ${home.directory}`);
    throw error;
  } finally {
    stopping.abort();
    await endAll(home);
    await machines?.close();
    releaseDemo(home);
    say('Everything of the demo is stopped: the Temporal server and the worker.');
    letGoOfHost(home, end.isBare);
    const costs = costsOn(home);
    if (costs !== undefined) say(costs);
    if (end.isBare && flags.once && code === 0) rmSync(home.directory, { recursive: true, force: true });
    if (found.startedEngine) say('The Docker engine, which bootstrap had to start, stays.');
  }
}

/** The demo has its own server, key and ports, and takes nothing from the standard environment. */
function forgetSettings(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) if (/^(TEMPORAL|CREEL)_/.test(name)) delete env[name];
  env['no_proxy'] = [env['no_proxy'], '127.0.0.1', 'localhost'].filter(Boolean).join(',');
}

/** Brings up server, key, deployment and worker, in this order; either process is restarted when it dies. */
async function raise(
  home: DemoHome,
  found: Found,
  { model, machines, end }: { readonly model: DemoModel } & Pick<Stage, 'machines' | 'end'>,
  interrupts: Interrupts,
  signal: AbortSignal,
): Promise<Stage> {
  const { ports, server } = await provideServer(home, found, await rememberedPorts(home), signal);
  const [address, ui] = [`127.0.0.1:${ports.port}`, `http://127.0.0.1:${ports.uiPort}`];
  say(`Temporal ${address}, UI ${ui}`);
  if (createKey(home.keyFile))
    say(`Made the demo's master key ${home.keyFile}: losing it loses every token derived from it`);
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: demoNamespace, identity: 'creel demo' });
  const deployment = await startDeployment(client, openKeys(home.keyFile));
  const provided = await provideModel(home, found, { model, host: machines?.host }, deployment);
  const worker = await startWorker(home, address, signal);
  const restartServer = async () => {
    const pid = await startServer({
      binary: found.temporal,
      ...ports,
      databaseFile: home.databaseFile,
      logFile: home.serverLog,
    });
    return processOf(pid) ?? { pid, born: '' };
  };
  const watching = [
    keepAlive(server, home.serverLog, restartServer, say, signal),
    keepAlive(worker, home.workerLog, () => startWorker(home, address, signal), say, signal),
  ];
  const broken = Promise.all(watching).then(() => new Promise<never>(() => undefined));
  broken.catch(() => undefined); // `main` hears it in its race; a demo that is stopping need not.
  return { home, found, client, deployment, ui, provided, machines, interrupts, end, broken };
}

/** The model of the demo's gateway, and its key where the worker finds it. */
async function provideModel(
  home: DemoHome,
  found: Found,
  { model, host }: { readonly model: DemoModel; readonly host: DemoHost | undefined },
  { deployment }: Deployment,
): Promise<ProvidedModel> {
  const secrets = openSecrets(readConfig({ HOME: home.directory }), () => openKeys(home.keyFile), deployment);
  if (model === 'anthropic') return provideAnthropic(secrets, process.env);
  if (host?.kind === 'lightsail') return noModelThere;
  return provideStandIn(home, engineOf(found), secrets);
}

function engineOf({ docker }: Found): DockerodeEngine {
  return new DockerodeEngine({ socketPath: docker.slice('unix://'.length), signal: () => undefined });
}

/** Brings the gateway up, shows it, and takes it down again unless it is to be kept. */
async function play(stage: Stage, flags: Flags): Promise<number> {
  const { client, interrupts } = stage;
  if (!(await endEarlierRemoval(stage))) return 1;
  if (!(await mayBegin(stage, flags))) {
    await remove(stage);
    return 1;
  }
  if (stage.machines) holdHost(stage.home, stage.machines.host);
  const region = stage.machines?.host.region;
  const up = await show(stage, await bringUp(client, stage.provided.models, region), interrupts.times(1));
  const usable = up?.outcome === 'done';
  if (up?.phase === 'ended' && !usable) say(up.reason);
  if (usable) await summarise(stage, up, flags);
  if (usable && !flags.once) await interrupts.times(1);
  const code = exitFor(usable, up?.phase === 'ended', flags);
  if (flags.keep || (await wantsToKeep(stage, flags))) {
    say(`Gateway ${demoGateway} stays; the next demo takes it up.`);
    return code;
  }
  return (await remove(stage)) ? code : 1;
}

/** Finishes a removal that an earlier demo began; false when a person interrupts that, too. */
async function endEarlierRemoval(stage: Stage): Promise<boolean> {
  const removal = await findRemoval(stage.client);
  if (!removal) return true;
  say(`An earlier demo was stopped while it removed gateway ${demoGateway}: this one ends that first.`);
  if (!(await followRemoval(stage, removal))) return false;
  await removalIsOver(stage.client, removal);
  return true;
}

/** Whether a removal was followed to its end. */
async function followRemoval(stage: Stage, removal: Accepted): Promise<boolean> {
  const down = await show(stage, removal, stage.interrupts.times(stage.interrupts.count + 1));
  if (down?.phase === 'ended') return true;
  say('The removal is not finished; the next demo goes on with it.');
  return false;
}

/** The exit code: a stopped demo has done its work, unless somebody waits for all of it. */
function exitFor(usable: boolean, ended: boolean, { once }: Flags): number {
  if (usable) return 0;
  if (ended) return 1;
  return once ? 130 : 0;
}

/** Whether the gateway may be begun: a person is told what its machine costs, and says yes to a real one. */
async function mayBegin({ client, machines, deployment, interrupts }: Stage, { yes }: Flags): Promise<boolean> {
  const lives = await livesAlready(client, machines?.host.region);
  if (!machines || lives) return true;
  const offer = await offerOf(client, deployment.deployment, machines.host.region);
  return agreed(offer, machines.host, { yes, say, over: interrupts.times(1) });
}

/** What the machine of the gateway is, once a port here leads to it. */
async function leadToMachine({ client, machines, deployment }: Stage): Promise<string | undefined> {
  if (!machines) return undefined;
  const { place, port } = await whereItStands(client);
  const leads = await machines.lead(deployment.deployment, place, port);
  const kind = machines.host.kind === 'stand-in' ? 'a container that the stand-in sold' : 'real, and paid for';
  const way = leads
    ? `127.0.0.1:${port} of this machine leads to the same port there while the demo runs`
    : `somebody else listens on 127.0.0.1:${port} here, so the link does not open`;
  return `${place.host} in ${machines.host.region} (${kind}); ${way}`;
}

async function summarise(stage: Stage, frame: Frame, { once, keep }: Flags): Promise<void> {
  const { client, found, ui, provided } = stage;
  const link = once ? undefined : await mintLink(client).catch((error: unknown) => `no link: ${String(error)}`);
  const lines = summaryLines({
    frame,
    image: found.images[demoRelease] ?? '',
    ui,
    link,
    model: provided.said,
    machine: await leadToMachine(stage),
    once,
    keep,
  });
  say(['', `Gateway ${demoGateway} is ready.`, ...lines, ''].join('\n'));
}

/** Resolves after three Ctrl-C, which end the demo whatever it is doing, its start included. */
async function lostPatience(interrupts: Interrupts): Promise<number> {
  await interrupts.times(3);
  say('Stopped. The next demo goes on where this one was.');
  return 130;
}

/** One Ctrl-C removes the gateway, two keep it: the first leaves a moment for the second. */
async function wantsToKeep({ interrupts }: Stage, { once }: Flags): Promise<boolean> {
  if (once || interrupts.count === 0) return false;
  say(`\nRemoving gateway ${demoGateway}. Ctrl-C again now keeps it for the next demo.`);
  return Promise.race([interrupts.times(2).then(() => true), after(secondThoughtMs, false)]);
}

async function remove(stage: Stage): Promise<boolean> {
  const asked = await takeDown(stage.client);
  if (asked && !(await followRemoval(stage, asked))) return false;
  const left = await marked(stage);
  for (const { kind, name } of left.filter(isDemos)) say(`left behind: ${kind} ${name}`);
  const others = new Set(left.filter((each) => !isDemos(each)).map(({ gateway }) => gateway));
  for (const id of others) say(`Gateway ${id} was provisioned besides and stays; the next demo looks after it.`);
  const isBare = !left.some(isDemos);
  if (left.length === 0) await stage.machines?.takeAway(stage.deployment.deployment);
  stage.end.isBare = left.length === 0;
  if (isBare) say(`Gateway ${demoGateway} is removed: nothing of it is left.`);
  return isBare;
}

/** A thing of the demo's deployment, and whose it is. */
type Thing = { readonly kind: string; readonly name: string; readonly gateway: string | undefined };

function isDemos({ gateway }: Thing): boolean {
  return gateway === demoGateway;
}

/** What the engine still holds of the demo's deployment, and the seller of machines. */
async function marked({ found, deployment: { deployment }, machines }: Stage): Promise<Thing[]> {
  const all = await engineOf(found).listMarked();
  const ours = all.filter(({ labels }) => labels['creel.deployment'] === deployment);
  const bought = (await machines?.left(deployment)) ?? [];
  return [
    ...ours.map(({ kind, name, labels }) => ({ kind, name, gateway: labels['creel.gateway'] })),
    ...bought.map(({ kind, name, mark }) => ({ kind, name, gateway: mark?.gateway })),
  ];
}

async function show({ client }: Stage, accepted: Accepted, interrupted: Promise<void>): Promise<Frame | undefined> {
  const screen = process.stdout.isTTY ? terminal() : pipe();
  try {
    return await followUntil(client, accepted, (frame) => screen.show(frame), interrupted);
  } finally {
    screen.close();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const text = error instanceof Refused ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`demo: ${text}\n`);
    process.exit(1);
  },
);
