import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import type { Gateway } from '../../src/domain/gateway/gateway.js';
import { machineNames } from '../../src/domain/hosts/machine.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { Entered, OperationInput, OperationKind, OperationResult } from '../../src/wire/operation.js';
import { registry, stepsOf } from '../../src/workflows/operations.js';
import { stepsFor } from '../../src/workflows/provision/operation.js';
import { Saga, toldOf } from '../../src/workflows/saga/saga.js';
import { DirectoryHost } from '../world/directory-host.js';
import { accountOf, rootOf } from '../world/machine-world.js';
import { openTestWorld, type TestWorld } from '../world/open-test-world.js';
import { noFault } from './proofs/faults.js';
import { billOf, onMachine, testMachine } from './proofs/machine-ground.js';
import { VirtualRuntime, type Outside } from './proofs/virtual-runtime.js';

const lateMs = defaultLimits.actMs - 1;

/** One gateway with a machine of its own, and what its operations come to. */
class Life {
  readonly world: TestWorld;
  gateway: Gateway;
  parks: string[] = [];
  #entered: readonly Entered[] = [];

  constructor(world: TestWorld, id = 'g42', parkMs = 0) {
    this.world = world;
    const gateway = onMachine(world, id);
    this.gateway = { ...gateway, spec: { ...gateway.spec, parkMs } };
  }

  get account() {
    return accountOf(this.world.root);
  }

  get at() {
    return { mark: this.gateway.mark, region: testMachine.region };
  }

  provision(outside?: Outside): Promise<OperationResult> {
    return this.#run('provision', [...stepsFor(this.gateway.spec)], outside);
  }

  repair(): Promise<OperationResult> {
    return this.#run('repair', [...stepsFor(this.gateway.spec)]);
  }

  remove(keepState = false): Promise<OperationResult> {
    const names = this.#entered.map(({ step }) => step);
    return this.#run('remove', stepsOf('remove', names, keepState, this.gateway.spec));
  }

  purge(): Promise<OperationResult> {
    return this.#run('purge', stepsOf('purge', [], false, this.gateway.spec));
  }

  async #run(kind: OperationKind, steps: readonly string[], outside: Outside = {}): Promise<OperationResult> {
    const entered = this.#entered;
    const input = { layout: 1, kind, number: 1, gateway: this.gateway, steps, entered, limits: defaultLimits } as const;
    const runtime = new VirtualRuntime(this.world.activities, toldOf(input, registry), lateMs, noFault, outside);
    const saga = new Saga(input satisfies OperationInput, runtime);
    const isForward = kind === 'provision' || kind === 'repair';
    const result = await (kind === 'provision' ? saga.begin() : isForward ? saga.repair() : saga.cleanUp());
    this.#entered = result.entered;
    this.parks.push(...runtime.parks.map(({ reason }) => reason));
    const { engine } = runtime;
    if (engine !== undefined) this.gateway = { ...this.gateway, place: { ...this.gateway.place, engine } };
    return result;
  }
}

async function living(run: (life: Life) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    await run(new Life(world));
  } finally {
    world.close();
  }
}

const all = ({ gateway }: Life) => {
  const { machine, address } = machineNames(gateway.mark);
  return [`machine ${machine}`, `address ${address}`].toSorted();
};

describe('a gateway on a machine of its own (K-1)', () => {
  test.each([1, 3, 6])(
    'the answers to what was bought lost %i times: one machine, and none after its removal',
    (lost) =>
      living(async (life) => {
        life.account.become({ lost });
        assert.equal((await life.provision()).outcome, 'done');
        assert.deepEqual(billOf(life.world).toSorted(), all(life));
        life.account.become({ lost });
        assert.equal((await life.remove()).outcome, 'done');
        assert.deepEqual(billOf(life.world), []);
      }),
  );

  test('the answer to its order always lost: it is read back, and one machine stands on the bill', () =>
    living(async (life) => {
      const interrupted: Outside = {
        at: ({ step, doing }) => {
          life.account.become({ lost: step === 'create machine' && doing === 'do' ? 1 : 0 });
          return undefined;
        },
      };
      const { outcome } = await life.provision(interrupted);
      assert.equal(outcome, 'done');
      assert.deepEqual(billOf(life.world).toSorted(), all(life));
    }));

  test('a seller who turns every call away for a while is asked again', () =>
    living(async (life) => {
      let calls = 0;
      life.account.become({ isAway: true });
      const { outcome } = await life.provision({
        at: () => {
          calls += 1;
          life.account.become({ isAway: calls < 12 });
          return undefined;
        },
      });
      assert.equal(outcome, 'done');
      assert.ok(calls > 12);
      assert.deepEqual(billOf(life.world).toSorted(), all(life));
    }));

  test('an address that never comes: refused with what was missing, and the machine is gone', () =>
    living(async (life) => {
      life.account.become({ isHeld: true });
      const { outcome, reason } = await life.provision();
      assert.equal(outcome, 'undone');
      assert.match(reason, /given up\. Last heard: machine oc-g42-\w{6} is pending/);
      assert.deepEqual(billOf(life.world), []);
    }));

  test('a machine that never prepares itself: refused, and gone', () =>
    living(async (life) => {
      fs.writeFileSync(path.join(life.world.root, 'unprepared'), '');
      const { outcome, reason } = await life.provision();
      assert.equal(outcome, 'undone');
      assert.match(reason, /^await machine: .*is preparing itself.*/);
      assert.deepEqual(billOf(life.world), []);
    }));

  test('another engine behind the same address: Foreign, nothing is touched, and a removal still ends the bill', () =>
    living(async (life) => {
      assert.equal((await life.provision()).outcome, 'done');
      new DirectoryHost(rootOf(life.world.root, life.gateway.place)).become({ engineId: 'another-engine' });
      const { outcome, reason } = await life.repair();
      assert.equal(outcome, 'stopped');
      assert.match(reason, /another-engine/);
      assert.deepEqual(billOf(life.world).toSorted(), all(life));
      assert.equal((await life.remove()).outcome, 'done');
      assert.deepEqual(billOf(life.world), []);
    }));

  test('two machines with one engine id: the second is refused before anything is on it, and gone', () =>
    living(async (life) => {
      assert.equal((await life.provision()).outcome, 'done');
      const { deps } = life.world;
      const gatewaysOn = async () => ['g42'];
      const second = new Life({ ...life.world, activities: createActivities({ ...deps, gatewaysOn }) }, 'g43');
      const { outcome, reason } = await second.provision();
      assert.equal(outcome, 'undone');
      assert.match(reason, /^await machine: two machines claim engine .*that of g42/);
      assert.deepEqual(billOf(life.world).toSorted(), all(life));
    }));

  test('somebody deleted the machine: a repair makes no empty one in its place', () =>
    living(async (life) => {
      assert.equal((await life.provision()).outcome, 'done');
      await assert.rejects(life.account.removeMachine(life.at));
      await new Promise((resolve) => setTimeout(resolve, 50));
      await life.account.removeMachine(life.at);
      const { outcome, reason } = await life.repair();
      assert.equal(outcome, 'stopped');
      assert.match(reason, /machine oc-g42-\w{6} of g42 is gone .*`creel remove g42 --purge`/);
      assert.deepEqual(billOf(life.world), []);
      assert.equal((await life.remove()).outcome, 'done');
    }));

  test('somebody stopped the machine: a repair starts it and proves the gateway', () =>
    living(async (life) => {
      assert.equal((await life.provision()).outcome, 'done');
      life.account.stopByHand(life.at);
      assert.equal((await life.repair()).outcome, 'done');
      assert.deepEqual(billOf(life.world).toSorted(), all(life));
    }));

  test('a state that is kept is kept on its machine, and a purge ends both', () =>
    living(async (life) => {
      assert.equal((await life.provision()).outcome, 'done');
      assert.equal((await life.remove(true)).outcome, 'done');
      assert.deepEqual(billOf(life.world).toSorted(), all(life));
      assert.equal((await life.purge()).outcome, 'done');
      assert.deepEqual(billOf(life.world), []);
    }));

  test('a stopped machine, which answers nobody, is removed all the same', () =>
    living(async (life) => {
      assert.equal((await life.provision()).outcome, 'done');
      life.account.stopByHand(life.at);
      assert.equal((await life.remove()).outcome, 'done');
      assert.deepEqual(billOf(life.world), []);
    }));

  test('a quota that is used up parks with its words, and a retry after a raise finishes', () =>
    living(async ({ world }) => {
      const life = new Life(world, 'g42', 3_600_000);
      life.account.become({ machines: 0 });
      const { outcome } = await life.provision({
        answer: () => {
          life.account.become({ machines: 1 });
          return 'retry';
        },
      });
      assert.equal(outcome, 'done');
      assert.deepEqual(life.parks, ['quota of 0 machines is used up']);
    }));

  test.each([
    ['a region that there is not', { region: 'mars-north-1' }, /there is no region mars-north-1/],
    ['a size that is not sold', { size: 'nano_3_0' }, /sells no machine of size nano_3_0/],
    ['a size too small for the gateway', { size: 'small' }, /has no machine with \d+ MB/],
  ])('%s is refused before anything is bought', (_what, over, said) =>
    living(async (life) => {
      const { spec } = life.gateway;
      const machine = { ...testMachine, ...over };
      life.gateway = { ...life.gateway, spec: { ...spec, memoryMb: 2_048, machine } };
      const { outcome, reason } = await life.provision();
      assert.equal(outcome, 'undone');
      assert.match(reason, said);
      assert.deepEqual(billOf(life.world), []);
    }),
  );
});
