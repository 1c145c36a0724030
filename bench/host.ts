import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { lookOnce } from '../src/client/follow/follow.js';
import type { ContainerBody } from '../src/dev/lightsail/container-body.js';
import { launchMarker } from '../src/domain/hosts/launch-script.js';
import { defaultLimits } from '../src/wire/limits.js';
import { BoughtMachines, machineImage } from '../test/ground/bought-machines.js';
import type { RealGround } from '../test/ground/real-ground.js';
import { Stage } from '../test/ground/stage.js';
import { testSpec } from '../test/world/open-test-world.js';
import { median, type Result } from './result.js';
import { sshCost, type SshCost } from './ssh-cost.js';

const machine = { provider: 'lightsail', region: 'eu-central-1' } as const;
const spec = { ...testSpec, memoryMb: 1_536, machine };

/** What of a provision belongs together for a person who waits, by step. */
const parts: Readonly<Record<string, readonly string[]>> = {
  machine: ['check machine', 'create machine', 'await machine', 'set firewall', 'fence metadata', 'check host'],
  image: ['fetch release'],
  container: ['keep state', 'join network', 'write config', 'start container'],
  gateway: ['await readiness', 'pair operator', 'probe channels', 'prove turn', 'keep running', 'read back'],
};

/** Milliseconds of one provision: each part, of the machine its boot and its Docker, and what is between the steps. */
type Seen = Readonly<Record<'total' | 'boot' | 'docker' | 'machine' | 'image' | 'container' | 'gateway', number>>;

/**
 * From the request until a gateway on a machine of its own is usable, by its parts, on machines that are containers;
 * and what a way over SSH costs, against the socket of the same engine.
 */
export async function host(runs = 3): Promise<Result> {
  const bought = await BoughtMachines.open('bench-host');
  const { ground, body } = bought;
  const seen: Seen[] = [];
  try {
    await ground.startWorker();
    for (let run = 1; run <= runs; run += 1) {
      const each = await provisionOnce(ground, body);
      seen.push(each);
      process.stderr.write(`run ${run}: ${JSON.stringify(each)}\n`);
    }
  } finally {
    await bought.close();
  }
  return report(seen, await sshCost(machineImage()));
}

async function provisionOnce(ground: RealGround, body: ContainerBody): Promise<Seen> {
  const stage = new Stage(ground, defaultLimits);
  const client = await stage.client();
  const watch = watchBoot(body);
  const began = performance.now();
  const { workflowId } = await stage.provision({ spec: { ...spec, keepStateMs: 0 } });
  await stage.result(workflowId);
  const total = Math.round(performance.now() - began);
  const boot = await watch;
  const steps = await partsOf(client, workflowId);
  await stage.remove();
  await stage.settled(240_000);
  await stage.close();
  return { total, ...boot, ...steps };
}

/** When the machine lets one in, and when its Docker is prepared, both since it was there. */
async function watchBoot(body: ContainerBody): Promise<Pick<Seen, 'boot' | 'docker'>> {
  const id = await awaited(async () => (await body.list())[0]);
  const began = performance.now();
  await awaited(async () => ((await answers(await body.address(id))) ? true : undefined));
  const boot = performance.now() - began;
  await awaited(() => body.read(id, launchMarker));
  return { boot: Math.round(boot), docker: Math.round(performance.now() - began - boot) };
}

async function awaited<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look().catch(() => undefined); // It is not there yet.
    if (found !== undefined) return found;
    await sleep(50);
  }
}

function answers(address: string | undefined): Promise<boolean> {
  if (address === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = net.connect(22, address);
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

/** How long the steps of each part took, by the server's clock. */
async function partsOf(client: Client, workflowId: string) {
  const frame = await lookOnce(client, workflowId);
  const msOf = (name: string) => {
    const { startedAt, endedAt } = frame?.steps.find((step) => step.name === name) ?? {};
    return startedAt === undefined || endedAt === undefined ? 0 : Date.parse(endedAt) - Date.parse(startedAt);
  };
  const sum = (part: string) => (parts[part] ?? []).reduce((all, name) => all + msOf(name), 0);
  return { machine: sum('machine'), image: sum('image'), container: sum('container'), gateway: sum('gateway') };
}

function report(seen: readonly Seen[], cost: SshCost): Result {
  const of = (value: (each: Seen) => number) => Math.round(median(seen.map(value)));
  const between = ({ total, machine: own, image, container, gateway }: Seen) =>
    total - own - image - container - gateway;
  const figures = {
    runs: seen.length,
    total: of(({ total }) => total),
    boot: of(({ boot }) => boot),
    docker: of(({ docker }) => docker),
    machine: of((each) => each.machine),
    image: of((each) => each.image),
    container: of((each) => each.container),
    gateway: of((each) => each.gateway),
    orchestration: of(between),
    orchestrationShare:
      Math.round(median(seen.map((each) => between(each) / (each.machine + each.image))) * 1_000) / 1_000,
    ssh: cost,
  };
  return {
    title: `request to usable gateway on a machine of its own (a container), median of ${figures.runs} runs; SSH against the socket of one engine`,
    head: ['what', 'ms', 'aim'],
    rows: [
      ['request to usable', figures.total, ''],
      ['machine: made, reached, its Docker known', figures.machine, ''],
      ['  of it until it lets one in', figures.boot, ''],
      ['  of it until its Docker is prepared', figures.docker, ''],
      ['image: brought there', figures.image, ''],
      ['state, network, config, container', figures.container, ''],
      ['gateway: ready, paired, proved', figures.gateway, ''],
      [
        'between the steps, and its share of machine and image',
        `${figures.orchestration}, ${figures.orchestrationShare}`,
        '<= 0.05',
      ],
      ...Object.entries(cost).map(([what, { ssh, local, ratio }]) => [
        `${what}, over SSH / by the socket`,
        `${ssh} / ${local} = ${ratio}`,
        '',
      ]),
    ],
    figures,
  };
}
