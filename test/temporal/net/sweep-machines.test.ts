import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gatewayWorkflowId } from '../../../src/wire/ids.js';
import { Keyboard } from '../../ground/keyboard.js';
import { accountOf } from '../../world/machine-world.js';
import { testDeployment } from '../../world/open-test-world.js';

const region = 'eu-central-1';
const machine = ['--memory', '1.5 GB', '--provider', 'lightsail', '--region', region];

describe.sequential('a sweep over machines of gateways’ own, at the keyboard', { timeout: 240_000 }, () => {
  let keyboard: Keyboard;
  beforeAll(async () => {
    keyboard = await Keyboard.open();
    await keyboard.ground.startWorker();
  });
  afterAll(() => keyboard.close());

  const account = () => accountOf(keyboard.ground.root);
  const billed = (id: string) =>
    account()
      .bill(region)
      .filter((line) => line.includes(`-${id}-`));

  async function provision(id: string): Promise<string> {
    const asked = ['provision', id, '--release', '2026.9.6', '--dev', '--keep-state', '0', ...machine, '--yes', id];
    const made = await keyboard.creel(asked);
    expect(made.exitCode, made.stderr).toBe(0);
    return JSON.parse((await keyboard.creel(['describe', id, '--json'])).stdout).life.mark.birth;
  }

  /** A machine that landed after everybody had looked. */
  async function landLate(id: string, birth: string): Promise<void> {
    const at = { mark: { deployment: testDeployment, gateway: id, birth, layout: 1 }, region };
    const key = (await account().listFleetKeys(region, testDeployment))[0] ?? '';
    const order = { zones: [`${region}a`], size: 'small', system: 'debian_12', key, launchScript: '' };
    await account().ensureMachine(at, order);
  }

  it('takes what was bought for a gateway after its removal, says what that saves, and leaves those that live (S4-5, K-1)', async () => {
    await provision('lives');
    const birth = await provision('gone');
    await keyboard.creel(['remove', 'gone']);
    expect(billed('gone')).toEqual([]);
    await landLate('gone', birth);
    const plan = await keyboard.creel(['sweep', '--dry-run']);
    expect(plan.stdout, plan.stderr).toContain('and in 1 region');
    expect(plan.stdout).toContain('1 would be removed\nwould save 12 USD a month');
    expect(plan.stdout).toMatch(
      /machine oc-gone-\w+ in lightsail eu-central-1 \(state, 12 USD a month\): birth \w+ of gone was removed, by its own record/,
    );
    expect(billed('gone')).toHaveLength(1);
    const done = await keyboard.creel(['sweep', '--json']);
    expect(JSON.parse(done.stdout)).toMatchObject({ outcome: 'done', counts: { remove: 1, report: 0 }, savesUsd: 12 });
    expect(billed('gone')).toEqual([]);
    expect(billed('lives')).toHaveLength(1);
    const again = await keyboard.creel(['sweep', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'done', counts: { remove: 0, report: 0 } });
  });

  it('a machine for which no record speaks is reported with its price, given back by its id, and purged when that is typed', async () => {
    await provision('lost');
    const before = billed('lost');
    const client = await keyboard.stage.client();
    await client.workflow.getHandle(gatewayWorkflowId('lost')).terminate('by hand');
    const swept = await keyboard.creel(['sweep', '--json']);
    expect(JSON.parse(swept.stdout)).toMatchObject({ counts: { remove: 0, stop: 0, report: 1 } });
    const listed = await keyboard.creel(['list', '--condemned']);
    expect(listed.stdout).toMatch(
      /machine oc-lost-\w+ in lightsail eu-central-1 \(state, 12 USD a month\).*terminated/,
    );
    const recovered = await keyboard.creel(['recover', 'lost']);
    expect(recovered.exitCode, recovered.stderr).toBe(0);
    expect(billed('lost')).toEqual(before);
    const told = JSON.parse((await keyboard.creel(['describe', 'lost', '--json'])).stdout);
    expect(told).toMatchObject({ phase: 'ready', life: { tokenGeneration: 1 }, usable: { ok: true } });
    await client.workflow.getHandle(gatewayWorkflowId('lost')).terminate('by hand');
    expect((await keyboard.creel(['purge', 'lost'])).exitCode).toBe(2);
    const purged = await keyboard.creel(['purge', 'lost', '--yes=lost']);
    expect(purged.exitCode, purged.stderr).toBe(0);
    expect(billed('lost')).toEqual([]);
    expect((await keyboard.creel(['list', '--condemned'])).stdout).toMatch(/nothing is condemned/);
  });
});
