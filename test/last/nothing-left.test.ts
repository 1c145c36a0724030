import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import Dockerode from 'dockerode';
import { describe, expect, it } from 'vitest';
import { findProcesses } from '../../src/dev/own-process.js';
import { demoHomeIn, demoStatePrefix, leftDeployments } from '../ground/demo-states.js';
import { foundSocket } from '../ground/found.js';

/**
 * How the deployments of tests and benchmarks begin; a real one is ten letters, and begins with `etoe` once in 450,000 times. A tested
 * demo's is a real one, and known by the state that it leaves when it leaves anything.
 */
const ours = /^(e2e|etoe[a-z]{6}$|contract-|oc-dt-|bench-|test-)/;

/** The workers, dev servers, demos and browsers that tests start, by their arguments. */
const programs = [
  path.resolve('dist/test') + path.sep,
  'creel-server-',
  demoStatePrefix,
  'playwright_chromiumdev_profile',
];

/** What an earlier run left, whoever killed it, is not this run's: it is named and passed over. */
const began = Number(process.env['TEST_RUN_BEGAN'] ?? 0);

const docker = new Dockerode({ socketPath: foundSocket() });

type Made = { readonly what: string; readonly deployment: string; readonly at: number };

async function resources(): Promise<string[]> {
  const demos = leftDeployments();
  const all = [...(await marked()), ...(await machines())];
  const found = all.filter(({ deployment }) => ours.test(deployment) || demos.includes(deployment));
  const name = ({ what, deployment }: Made) => `${what} of ${deployment}`;
  for (const each of found.filter(({ at }) => at < began))
    process.stderr.write(`left by an earlier run: ${name(each)}\n`);
  return found.filter(({ at }) => at >= began).map(name);
}

async function marked(): Promise<Made[]> {
  const filters = { label: ['creel.deployment'] };
  const [containers, { Volumes: volumes }, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listVolumes({ filters }),
    docker.listNetworks({ filters }),
  ]);
  const made = (kind: string, name: string, labels: Record<string, string> | undefined, at: number) => ({
    what: `${kind} ${name}`,
    deployment: labels?.['creel.deployment'] ?? '',
    at,
  });
  // The engine tells the age of a volume and of a container in whole seconds, cut off.
  const since = (time: string | undefined) => Date.parse(time ?? '') + 999;
  return [
    ...containers.map((each) =>
      made('container', each.Names[0]?.slice(1) ?? each.Id, each.Labels, each.Created * 1000 + 999),
    ),
    ...volumes.map((each) =>
      made('volume', each.Name, each.Labels, since('CreatedAt' in each ? String(each.CreatedAt) : undefined)),
    ),
    ...networks.map((each) => made('network', each.Name, each.Labels, since(each.Created))),
  ];
}

/** Containers that stand in for machines of a provider, and their networks; nobody but tests makes them. */
async function machines(): Promise<Made[]> {
  const filters = { label: ['creel.stand-in'] };
  const [containers, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
  ]);
  const made = (what: string, at: number) => ({ what, deployment: 'test-machines', at: at + 999 });
  return [
    ...containers.map(({ Names: [name = ''], Created: at }) => made(`container ${name.slice(1)}`, at * 1000)),
    ...networks.map(({ Name: name, Created: at }) => made(`network ${name}`, Date.parse(at))),
  ];
}

function processes(): string[] {
  const found = findProcesses((argv) => argv.some((each) => programs.some((program) => each.includes(program))));
  return found.map(({ pid, argv }) => `${pid} ${argv.join(' ')}`);
}

describe('after every test', () => {
  it('the engine holds nothing of theirs', async () => {
    expect(await resources()).toEqual([]);
  });

  it('no process of theirs lives', async () => {
    await expect.poll(processes, { timeout: 10_000, interval: 200 }).toEqual([]);
  });

  /** A volume and a process like those that a test leaves are there, are found, and are gone. */
  async function leave(deployment: string, argument: string): Promise<void> {
    const name = `creel-left-${randomBytes(4).toString('hex')}`;
    const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', argument]);
    try {
      await docker.createVolume({ Name: name, Labels: { 'creel.deployment': deployment } });
      expect(await resources()).toContain(`volume ${name} of ${deployment}`);
      await expect
        .poll(processes, { timeout: 10_000 })
        .toContainEqual(expect.stringMatching(new RegExp(`^${left.pid} `)));
    } finally {
      await docker.getVolume(name).remove();
      left.kill('SIGKILL');
      await once(left, 'exit');
    }
  }

  it('something left would have been found', () =>
    leave(`e2e${randomBytes(4).toString('hex')}`, path.resolve('dist/test/left.js')));

  it('something that a demo left would have been found', async () => {
    const state = fs.mkdtempSync(demoStatePrefix);
    const deployment = Array.from(randomBytes(10), (byte) => 'abcdefgh'[byte % 8]).join('');
    const home = demoHomeIn(state);
    fs.mkdirSync(home, { recursive: true });
    fs.writeFileSync(path.join(home, 'worker.log'), `{"deployment":"${deployment}"}\n`);
    await leave(deployment, home).finally(() => fs.rmSync(state, { recursive: true }));
  });
});
