import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellServed } from '../../../src/client/deployment/engines.js';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { accountOf } from '../../world/machine-world.js';
import { testRelease } from '../../world/open-test-world.js';

const region = 'eu-central-1';

describe('somebody who looks at what was bought, with room for one machine and one gateway beside it', () => {
  let keyboard: Keyboard;

  beforeAll(async () => {
    keyboard = await Keyboard.open();
    const { ground, stage } = keyboard;
    fs.writeFileSync(path.join(ground.root, 'spend.json'), JSON.stringify({ machines: 1, monthlyUsd: 40 }));
    accountOf(ground.root).become({ regions: [region, 'us-west-2'], silentRegions: ['us-west-2'] });
    process.env['TEST_CEILING'] = '1';
    await ground.startWorker();
    await tellServed(await stage.client(), { engine: engineIdAt(ground.root), host: 'here' });
  });
  afterAll(async () => {
    delete process.env['TEST_CEILING'];
    await keyboard.close();
  });

  const type = (...args: string[]) => keyboard.creel(args);
  const common = ['--release', testRelease, '--dev', '--memory', '1.5 GB', '--keep-state', '0'];
  const there = ['--provider', 'lightsail', '--region', region];

  it(
    'sees machines with region, plan and price in both lists, what is spent of the ceiling, and which regions are silent (K-1)',
    { timeout: 2 * patienceMs },
    async () => {
      expect((await type('hosts', 'list')).stdout).toContain(
        '\nat lightsail: 0 machines, 0 USD a month with addresses and snapshots; the ceiling is 1 machine, 40 USD a month\n' +
          'not looked at: us-west-2, because nobody answers for us-west-2',
      );
      const begun = await type('provision', 'm1', ...common, ...there, '--yes', 'm1');
      expect(begun.exitCode, begun.stderr).toBe(0);
      const { stdout } = await type('hosts', 'list', '--json');
      const [machine] = JSON.parse(stdout).bought.machines;
      expect(machine).toEqual({
        name: `oc-m1-${machine.birth}`,
        provider: 'lightsail',
        region,
        state: 'running',
        size: 'small',
        monthlyUsd: 12,
        gateway: 'm1',
        birth: expect.stringMatching(/^[a-z0-9]+$/),
        phase: 'ready',
      });
      expect(JSON.parse(stdout).bought).toMatchObject({ spend: { machines: 1, monthlyUsd: 12 } });
      expect((await type('hosts', 'list')).stdout).toMatch(
        new RegExp(
          `\\n ?${machine.name} +${region} +small +12 USD +running +m1 +ready *\\nat lightsail: 1 machine, 12 USD`,
        ),
      );
      expect((await type('list')).stdout).toContain(` ${machine.name} (${region}) `);
      expect(JSON.parse((await type('list', '--json')).stdout)).toMatchObject({ host: machine.name, region });
    },
  );

  it('hears of each ceiling from a dry run, and that a spec with park_for would wait (K-1)', async () => {
    const above = 'm2 would be above the ceiling: there may be 1 machine at lightsail, and there are 1';
    const waits = 'With its park_for it would be parked for 1 hour at most, and go on with `creel retry';
    const plain = await type('provision', 'm2', ...common, ...there, '--dry-run');
    expect(plain).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(above) });
    expect(plain.stderr).not.toContain('park_for');
    const parking = await type('provision', 'm2', ...common, ...there, '--park-for', '1 hour', '--dry-run');
    expect(parking.stderr).toContain(above);
    expect(parking.stderr).toContain(`${waits} m2\``);
    expect(await type('provision', 'g1', ...common, '--dry-run')).toMatchObject({ exitCode: 0 });
    const begun = await type('provision', 'g1', ...common);
    expect(begun.exitCode, begun.stderr).toBe(0);
    const tooMany = 'g2 would be above the ceiling: the hosts may have 1 gateway together, and have 1';
    const second = await type('provision', 'g2', ...common, '--park-for', '1 hour', '--dry-run');
    expect(second).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(tooMany) });
    expect(second.stderr).toContain(`${waits} g2\``);
    expect(await type('provision', 'g1', '--dry-run')).toMatchObject({ exitCode: 0 });
  });
});
