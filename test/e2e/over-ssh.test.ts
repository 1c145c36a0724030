import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/wire/limits.js';
import { foundSocket } from '../ground/found.js';
import { RealGround } from '../ground/real-ground.js';
import { TestServer } from '../ground/server.js';
import { SshMachine, tableOf } from '../ground/engines/ssh-machine.js';
import { Stage } from '../ground/stage.js';
import { scratchDirectory } from '../world/scratch.js';
import { testSpec } from '../world/open-test-world.js';

/** The only way from the worker to the engine and to the gateways' ports. */
const machine = new SshMachine();
const scratch = scratchDirectory('creel-over-ssh-');
/** A removal waits until no lost attempt can take effect any more: here not for the forty seconds of a deployment. */
const soonSettled = { actMs: 20_000, settleMs: 1_000 };

let ground: RealGround;
let stage: Stage;

beforeAll(async () => {
  await machine.open();
  const file = path.join(scratch, 'hosts.toml');
  fs.writeFileSync(file, tableOf(machine.settings(foundSocket())));
  process.env['TEST_HOSTS'] = file;
  process.env['TEST_ENGINE'] = '/nowhere/docker.sock';
  ground = new RealGround(await TestServer.start());
  stage = new Stage(ground, { ...defaultLimits, ...soonSettled });
  await ground.startWorker();
});

afterAll(async () => {
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
  await machine.close();
  fs.rmSync(scratch, { recursive: true, force: true });
}, 120_000);

/** Cuts the connection while each of these activities is about to begin, and lets it go on then. */
async function cutAt(activities: readonly string[]): Promise<void> {
  for (const activity of activities) {
    await stage.held(activity);
    machine.cut();
    stage.letGo(activity);
  }
}

describe('a real gateway on a host over SSH', () => {
  it('is ready, paired and usable from outside, though the connection is cut on the way', async () => {
    const cuts = ['ensureNetwork', 'ensureContainer', 'ensureOperator'] as const;
    for (const activity of cuts) stage.interfere(activity, 'hold before');
    const { birth } = await stage.provision({ spec: { ...testSpec, cpus: 2 } });
    await cutAt(cuts);
    expect(await stage.settled(240_000)).toMatchObject({
      phase: 'ready',
      left: [],
      record: { version: '2026.9.6', operatorScopes: ['operator.admin'] },
    });
    expect(await ground.leftovers()).toEqual(stage.expected(birth));
    expect(machine.connections).toBeGreaterThan(cuts.length);
  });

  it('is removed, and nothing is left, though the connection is cut on the way', async () => {
    stage.interfere('removeContainer', 'hold before');
    await stage.remove();
    await cutAt(['removeContainer']);
    expect(await stage.settled(120_000)).toMatchObject({ phase: 'removed', left: [] });
    expect(await ground.leftovers()).toEqual([]);
  });
});
