import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import Docker from 'dockerode';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerBody } from '../../src/dev/lightsail/container-body.js';
import { LightsailStandIn } from '../../src/dev/lightsail/stand-in.js';
import { findProcesses } from '../../src/dev/own-process.js';
import { Demo } from '../ground/demo-process.js';
import { demoHomeIn, demoStatePrefix } from '../ground/demo-states.js';
import { foundSocket } from '../ground/found.js';

const socketPath = foundSocket();
const docker = new Docker({ socketPath });
const readyMs = 420_000;

let image = '';
beforeAll(async () => {
  const { stdout } = await execa(process.execPath, ['scripts/bootstrap.mjs', '--quiet', '--machine']).then(() =>
    execa(process.execPath, ['scripts/machine-image.mjs']),
  );
  image = stdout.trim();
}, 900_000);

/** A demo in a home of its own, the processes that it has, and the end of all of it. */
function stage() {
  const state = mkdtempSync(demoStatePrefix);
  const home = demoHomeIn(state);
  const demos: Demo[] = [];
  const processes = () => findProcesses((argv) => argv.some((each) => each.includes(home)));
  return {
    state,
    home,
    processes,
    start: (flags: readonly string[], extra: NodeJS.ProcessEnv = {}) => {
      const demo = new Demo(state, ['--host', 'lightsail', ...flags], { AWS_EC2_METADATA_DISABLED: 'true', ...extra });
      demos.push(demo);
      return demo;
    },
    close: () => {
      for (const demo of demos) demo.process.kill('SIGKILL');
      for (const { pid } of processes()) process.kill(pid, 'SIGKILL');
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** The containers of this engine that are machines of whichever stand-in. */
async function machines(): Promise<string[]> {
  const all = await docker.listContainers({ all: true, filters: { label: ['creel.stand-in'] } });
  return all.map(({ Names }) => Names.join()).toSorted();
}

describe('npm run demo -- --host lightsail, on the stand-in', () => {
  const { home, start, processes, close } = stage();
  let before: string[] = [];
  beforeAll(async () => {
    before = await machines();
  });
  const own = async () => (await machines()).filter((each) => !before.includes(each));
  afterAll(async () => {
    close();
    for (const name of await own()) await docker.getContainer(name.slice(1)).remove({ force: true, v: true });
  });

  test('killed while the machine boots it is carried on by the next one, whose link opens here, and Ctrl-C leaves nothing (K-1)', async () => {
    const killed = start([], { AWS_ACCESS_KEY_ID: 'never-used', AWS_SECRET_ACCESS_KEY: 'never-used' });
    await killed.says('✓ create machine');
    killed.process.kill('SIGKILL');
    await killed.ended();
    expect(killed.said).toMatch(/A stand-in for Lightsail sells the machine.*12 USD a month/);

    const next = start([]);
    await next.says('Gateway demo is ready', readyMs);
    await next.says(/open it +http:\/\/127\.0\.0\.1:\d+\/#bootstrapToken=/);
    expect(await own()).toHaveLength(1);
    const [, link = ''] = /open it +(http:\/\/127\.0\.0\.1:\d+\/)#/.exec(next.said) ?? [];
    expect(await (await fetch(link)).text()).toContain('<html');

    next.process.kill('SIGINT');
    expect(await next.ended(), next.said).toBe(0);
    expect(next.said).toContain('Gateway demo is removed: nothing of it is left.');
    expect(await own()).toEqual([]);
    expect(processes()).toEqual([]);
    expect(existsSync(path.join(home, 'machines'))).toBe(false);
  }, 900_000);

  test('Ctrl-C while the machine boots leaves nothing, and --once not even a home', async () => {
    const stopped = start(['--once']);
    await stopped.says('▸ await machine');
    stopped.process.kill('SIGINT');
    expect(await stopped.ended(), stopped.said).toBe(130);
    expect(stopped.said).toContain('Gateway demo is removed: nothing of it is left.');
    expect(await own()).toEqual([]);
    expect(processes()).toEqual([]);
  }, 600_000);
});

describe('npm run demo -- --host lightsail --region eu-central-1, which buys a machine', () => {
  const { state, home, start, processes, close } = stage();
  const region = ['--region', 'eu-central-1', '--workers', '198.51.100.7/32'];
  let account: LightsailStandIn;
  let body: ContainerBody;
  beforeAll(async () => {
    body = new ContainerBody({ socketPath, image, owner: path.basename(state) });
    account = await LightsailStandIn.open({ directory: path.join(state, 'aws'), body });
  });
  afterAll(async () => {
    for (const id of await body.list()) await body.delete(id);
    await account.close();
    close();
  });

  test('without credentials is refused before anything is begun', async () => {
    const nobody = start(region, { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' });
    expect(await nobody.ended()).toBe(1);
    expect(nobody.said).toContain('there are no AWS credentials here, and a machine in a region is a real one');
    expect(nobody.said).not.toContain('COSTS ON');
    expect(account.asked).toEqual([]);
  }, 120_000);

  test('says what it costs, and buys nothing without a yes', async () => {
    const unsaid = start(region, account.environment);
    expect(await unsaid.ended()).toBe(1);
    expect(unsaid.said).toMatch(/This buys a machine in eu-central-1a: small_3_0 .*12 USD a month, stopped or not/);
    expect(unsaid.said).toContain('say --yes demo');
    expect(unsaid.said).not.toContain('COSTS ON');
    const other = start([...region, '--yes', 'no'], account.environment);
    expect(await other.ended()).toBe(1);
    expect(other.said).toContain('Nothing was bought: "no" is not demo.');
    expect(await account.bill()).toEqual([]);
    expect(processes()).toEqual([]);
  }, 240_000);

  test('with a yes buys it; stopped in the middle it says what costs on, the stand-in does not take it up, and the same command ends it', async () => {
    const bought = start([...region, '--yes', 'demo'], account.environment);
    await bought.says('✓ create machine');
    while (bought.process.exitCode === null) {
      bought.process.kill('SIGINT');
      await after(200); // Two that come together count as one.
    }
    expect(bought.said).toContain('Lightsail in eu-central-1 stays and COSTS ON');
    expect(await account.costing()).toHaveLength(1);

    const elsewhere = start(['--once']);
    expect(await elsewhere.ended()).toBe(1);
    expect(elsewhere.said).toContain('`npm run demo -- --host lightsail --region eu-central-1 --once` ends it');

    const same = start([...region, '--once'], account.environment);
    await same.says(/▸ (await machine|fetch release)/);
    same.process.kill('SIGINT');
    expect(await same.ended(), same.said).toBe(130);
    expect(await account.costing()).toEqual([]);
    expect(await body.list()).toEqual([]);
    expect(readKeysAsked(account)).toEqual(['ImportKeyPair', 'DeleteKeyPair']);
    expect(processes()).toEqual([]);
    expect(existsSync(path.join(home, 'machines'))).toBe(false);
  }, 900_000);
});

/** What was asked of keys that changes something, each once. */
function readKeysAsked({ asked }: LightsailStandIn): string[] {
  return [...new Set(asked.map(({ call }) => call).filter((call) => /^(Import|Delete)KeyPair$/.test(call)))];
}
