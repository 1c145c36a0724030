import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellServed } from '../../../src/client/deployment/engines.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { testRelease } from '../../world/open-test-world.js';

/** Two machines of one deployment, of which one lets its gateways reach what is private. */
describe('hosts of which one is not fenced (row 72)', { timeout: 3 * patienceMs }, () => {
  let keyboard: Keyboard;
  let other: DirectoryGround;
  let engines: readonly string[];
  const openAt = () => path.join(keyboard.ground.root, 'open-fence');

  beforeAll(async () => {
    keyboard = await Keyboard.open();
    other = new DirectoryGround(keyboard.ground.server, keyboard.ground.queue);
    engines = [keyboard.ground.root, other.root].map(engineIdAt);
    process.env['TEST_ENGINES'] = engines.join(',');
    fs.writeFileSync(openAt(), 'host private');
    await keyboard.ground.startWorker();
    await tellServed(await keyboard.stage.client(), { engine: engines[0] ?? '', host: 'open' });
  });

  afterAll(async () => {
    delete process.env['TEST_ENGINES'];
    await other.close();
    await keyboard.close();
  });

  const type = (...args: string[]) => keyboard.creel(args);
  const provision = (id: string, ...more: string[]) =>
    type('provision', id, '--release', testRelease, '--dev', '--keep-state', '0', ...more);

  it('the only host, open: a provision is refused by what got through, one that asks for no fence is ready', async () => {
    const refused = await provision('g1');
    expect(refused.exitCode).toBe(4);
    expect(refused.stdout + refused.stderr).toMatch(
      /prove fence: host \S+ is not fenced: its gateways reach the host itself, private networks/,
    );
    expect(keyboard.ground.world.engine.leftovers()).toEqual([]);
    expect(await provision('g2', '--fence', 'off')).toMatchObject({ exitCode: 0 });
    expect((await type('hosts', 'list')).stdout).toMatch(/open .* yes +open: the host itself, private networks /);
    expect((await type('doctor')).stdout).toMatch(
      /warn +fence on open +its gateways reach the host itself, private networks/,
    );
  });

  it('a repair, a rotation and a restart of the gateway that stands there go on', async () => {
    expect(await type('provision', 'g2')).toMatchObject({ exitCode: 0 });
    expect(await type('change', 'g2', '--fence', 'on')).toMatchObject({ exitCode: 0 });
    expect(await type('provision', 'g2')).toMatchObject({ exitCode: 0 });
    expect(await type('rotate', 'g2')).toMatchObject({ exitCode: 0 });
  });

  it('a second host that is fenced gets what has to be, and a host that was fenced since is taken again', async () => {
    await other.startWorker();
    await tellServed(await keyboard.stage.client(), { engine: engines[1] ?? '', host: 'shut' });
    for (const id of ['g3', 'g4', 'g5']) {
      expect(await provision(id)).toMatchObject({ exitCode: 0 });
      expect(other.world.engine.leftovers().join(' ')).toContain(`container oc-${id}-`);
    }
    expect(await type('hosts', 'cordon', 'shut')).toMatchObject({ exitCode: 0 });
    const full = await provision('g6');
    expect(full.exitCode).not.toBe(0);
    expect(full.stdout + full.stderr).toMatch(
      /prove fence: host \S+ is not fenced: its gateways reach the host itself/,
    );
    fs.rmSync(openAt());
    expect(await provision('g6')).toMatchObject({ exitCode: 0 });
    expect((await type('hosts', 'describe', 'open')).stdout).toMatch(/ fence +fenced\n/);
  });
});
