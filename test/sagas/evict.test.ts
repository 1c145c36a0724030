import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/domain/changes/change.js';
import { rotated, type Rotation } from '../../src/domain/changes/rotation.js';
import { describeDevice } from '../../src/activities/parts/door/devices.js';
import { evictSteps, rotate } from '../../src/workflows/rotate/operation.js';
import { proveChange } from './proofs/prove-change.js';
import { DirectoryDevice } from '../world/directory-device.js';
import type { Held } from '../world/directory-gateway.js';
import { imageOf, testRelease } from '../world/open-test-world.js';
import { withChangeStage, type ChangeUnderProof } from './proofs/change-proofs.js';
import type { ChangeStage } from './proofs/change-stage.js';
import { at } from './proofs/faults.js';

const eviction: Rotation = {
  kind: 'rotate',
  nextTokenGeneration: 2,
  nextDeviceGeneration: 2,
  reclaim: false,
  evict: true,
  approved: [],
};

/** Somebody's device that is paired, with a session open on its own token and one on the shared token. */
type Customer = { readonly device: DirectoryDevice; readonly sessions: readonly Held[] };

const customers = new Map<ChangeStage, Customer>();

function customerOf(stage: ChangeStage): Customer {
  const customer = customers.get(stage);
  assert.ok(customer);
  return customer;
}

function letIn(stage: ChangeStage): Customer {
  const { container } = stage.names;
  const device = new DirectoryDevice(stage.world.root, { displayName: 'Kitchen' });
  device.pair(container);
  return { device, sessions: [device.stay(container, true), device.stay(container, false)] };
}

/** Who is paired, by the gateway's word to creel's device of these generations. */
async function pairedBy(stage: ChangeStage, gateway: ChangeStage['gateway']): Promise<string[]> {
  const { paired } = await stage.world.activities.findDevices(gateway);
  return paired.map(({ deviceId }) => deviceId);
}

function after(stage: ChangeStage, change: Change): ChangeStage['gateway'] {
  assert.ok(change.kind === 'rotate');
  return rotated({ ...stage.gateway, change });
}

const proved: ChangeUnderProof = {
  operation: rotate,
  steps: evictSteps,
  begin: async (stage) => {
    customers.set(stage, letIn(stage));
    return eviction;
  },
  isDone: async (stage, change) => {
    const next = after(stage, change);
    await stage.world.activities.findGateway(next);
    expect(await pairedBy(stage, next)).toEqual([stage.world.deps.keys.device(next).id]);
    const { device, sessions } = customerOf(stage);
    expect(sessions.map((each) => each.isOpen())).toEqual([false, false]);
    assert.equal(device.knock(stage.names.container), 'asks');
  },
  isBack: async (stage, change) => {
    await stage.world.activities.findGateway(stage.gateway);
    const { keys } = stage.world.deps;
    const paired = await pairedBy(stage, stage.gateway);
    expect(paired).toContain(keys.device(stage.gateway).id);
    expect(paired).not.toContain(keys.device(after(stage, change)).id);
    const container = await stage.world.engine.findContainer(stage.names.container);
    assert.equal(container?.restartPolicy, 'always');
  },
};

describe('evict', () => {
  proveChange(proved);

  for (const step of evictSteps) {
    it.concurrent(`${step}: lose the answer, the audit names who must pair again and says that no session is open`, () =>
      withChangeStage(proved, async (stage) => {
        const change = await proved.begin(stage);
        const { proofs } = await stage.run(change, at(step, 'do', 'lose the answer'));
        const said = (of: string) => proofs?.find((each) => each.step === of)?.proof;
        const kitchen = { deviceId: customerOf(stage).device.id, displayName: 'Kitchen', clientId: 'gateway-client' };
        const name = describeDevice({ ...kitchen, platform: 'linux', roles: [], scopes: [] });
        assert.equal(said('list devices'), `must pair again: ${name}`);
        expect(said('close sessions')).toMatch(
          /^every device but creel’s new one shut out \(2\), listed with no session open/,
        );
        expect(said('evict devices')).toMatch(/^nobody but creel’s new device is paired/);
      }));
  }

  it.concurrent('goes back when the gateway lists a session that it keeps open', () =>
    withChangeStage(proved, async (stage) => {
      const change = await proved.begin(stage);
      const image = await stage.world.engine.findImage(imageOf(testRelease));
      assert.ok(image);
      const { outcome, reason } = await stage.run(change, (step) => {
        const labels = { ...image.labels, ...(step === 'close sessions' && { 'test.behaviour': 'keeps sessions' }) };
        stage.world.engine.addImage(imageOf(testRelease), { ...image, labels });
        return undefined;
      });
      assert.equal(outcome, 'undone');
      expect(reason).toMatch(/^close sessions: still with a session open: .*Kitchen/);
    }));

  it.concurrent('takes out who was let in after the list was made, sessions and all', () =>
    withChangeStage(proved, async (stage) => {
      const change = await proved.begin(stage);
      const late: Customer[] = [];
      await stage.run(change, (step) => {
        if (step === 'evict devices' && late.length === 0) late.push(letIn(stage));
        return undefined;
      });
      await proved.isDone(stage, change);
      expect(late[0]?.sessions.map((each) => each.isOpen())).toEqual([false, false]);
    }));
});
