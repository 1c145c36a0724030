import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { replacementLabel, replacementNames } from '../../src/domain/changes/replacement.js';
import type { GatewaySpec } from '../../src/domain/gateway/spec.js';
import { beginOperation, endOperation, enteredBefore, operationSteps } from '../../src/workflows/entity/begin-end.js';
import { acceptRequest } from '../../src/workflows/entity/accept.js';
import { checkRequest } from '../../src/workflows/entity/check.js';
import { emptyState } from '../../src/workflows/record/state.js';
import { registry } from '../../src/workflows/operations.js';
import { Saga, toldOf } from '../../src/workflows/saga/saga.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { OperationInput } from '../../src/wire/operation.js';
import { createKey, nextKeyFile, openKey } from '../../src/settings/key-file.js';
import { keepFormerMs } from '../../src/domain/thresholds.js';
import { noteSaved } from '../../src/workflows/replace/former.js';
import { testDeployment, testKeyHex } from '../world/open-test-world.js';
import { layKey } from '../world/test-keys.js';
import { noFault } from './proofs/faults.js';
import { keeping, stateOf, upgradedGateway } from './proofs/interrupted.js';
import { VirtualEntity } from './proofs/virtual-entity.js';
import { VirtualRuntime } from './proofs/virtual-runtime.js';

const newer = { ...keeping, release: '2026.9.7' };
let requests = 0;

describe('a life that was upgraded since its gateway.toml was written, and whose record is lost', () => {
  it('is taken up with the release that the refusal names, while it runs', () =>
    onLost(async (entity) => {
      await takeUp(entity, keeping);
      isNamed(entity, /^await readiness: .*runs 2026\.9\.7, asked for was 2026\.9\.6/);
      await takeUp(entity, newer);
      isReady(entity);
    }));

  it('and while it is down, where its state names the release', () =>
    onLost(async (entity) => {
      entity.world.engine.crash('oc-g42-birth2');
      await takeUp(entity, keeping);
      isNamed(entity, /^keep state: .*belongs to release 2026\.9\.7, on record is 2026\.9\.6/);
      await takeUp(entity, newer);
      isReady(entity);
    }));

  it('is not taken up with another release once it is proved', () =>
    onLost(async (entity) => {
      await takeUp(entity, newer);
      isReady(entity);
      await assert.rejects(takeUp(entity, keeping), /exists with another spec/);
    }));

  it('comes back after a removal with the release that its state names, whatever it was taken up with', () =>
    onLost(async (entity) => {
      await takeUp(entity, keeping);
      const before = stateOf(entity);
      entity.remove();
      await entity.drain();
      assert.deepEqual([entity.state.phase, entity.state.life?.left], ['removed', []], entity.state.reason);
      assert.deepEqual(stateOf(entity).files, before.files);
      assert.throws(() => entity.provision({ how: 'restore', spec: keeping }), /--release 2026\.9\.7/);
      entity.provision({ how: 'restore', spec: newer });
      await entity.drain();
      isReady(entity);
    }));
});

describe('a life whose record is lost, where no run of it is left to count from', () => {
  it('is upgraded again, by a number above that of what it has saved', async () => {
    const template = await upgradedGateway();
    try {
      await template.on(async ({ world, gateway }) => {
        const { a, b } = replacementNames(gateway.mark).savedStates;
        const labels = { ...(await world.engine.findVolume(a))?.labels, [replacementLabel]: '12' };
        await world.engine.removeVolume(a);
        await world.engine.createVolume({ name: a, labels });
        const entity = new VirtualEntity(world, emptyState(1, 0));
        await takeUp(entity, newer);
        isReady(entity);
        entity.ask({ kind: 'upgrade', release: '2026.9.8-takes', dev: true, retryFailed: false, readyMs: 60_000 });
        const result = await entity.run();
        assert.equal(result?.outcome, 'done', result?.reason);
        assert.equal((await world.engine.findVolume(b))?.labels[replacementLabel], '14');
        await entity.drain();
        assert.equal(await world.engine.findVolume(a), undefined);
      });
    } finally {
      template.close();
    }
  });
});

describe('what a lost record had kept to go back to, of a life that is taken up', () => {
  it('is let go when keep_former is over, counted from the take-up, and nobody goes back to it', () =>
    onSaved(async (entity) => {
      await takeUp(entity, newer);
      isReady(entity);
      assert.throws(
        () => entity.ask({ kind: 'rollback', readyMs: 60_000 }),
        /state of release 2026\.9\.6 was saved under a record that was lost/,
      );
      await entity.pass(keepFormerMs - 1);
      await entity.drain();
      assert.ok(await isSaved(entity));
      await entity.pass(1);
      await entity.drain();
      assert.ok(!(await isSaved(entity)));
      isReady(entity);
    }));

  it.each([
    ['puts everybody out', true],
    ['goes to another key', false],
  ])('is let go by a rotation that %s', (_title, evict) =>
    onSaved(async (entity) => {
      await takeUp(entity, newer);
      await rotate(entity, evict);
      assert.ok(!(await isSaved(entity)));
      isReady(entity);
    }),
  );

  it('is let go by a rotation that puts everybody out, though an older creel has taken the life up', () =>
    onSaved(async (entity) => {
      await takeUp(entity, newer);
      delete entity.state.life?.former; // An older creel did not know of it.
      await rotate(entity, true);
      assert.ok(!(await isSaved(entity)));
      isReady(entity);
    }));

  it('stays as long as the gateway is not proved: it may be the only whole state', () =>
    onSaved(async (entity) => {
      entity.world.engine.crash('oc-g42-birth2');
      await takeUp(entity, keeping);
      isNamed(entity, /^keep state: /);
      await entity.pass(keepFormerMs);
      await entity.drain();
      assert.ok(await isSaved(entity));
      await takeUp(entity, newer);
      isReady(entity);
      await entity.pass(1);
      await entity.drain();
      assert.ok(!(await isSaved(entity)));
    }));

  it('makes room for what the next upgrade saves', () =>
    onSaved(async (entity) => {
      await takeUp(entity, newer);
      entity.ask({ kind: 'upgrade', release: '2026.9.8-takes', dev: true, retryFailed: false, readyMs: 60_000 });
      await entity.drain();
      assert.equal(entity.gateway.spec.release, '2026.9.8-takes', entity.state.reason);
      assert.deepEqual(saved(entity), ['volume oc-g42-birth2-snap-b']);
      assert.equal(entity.state.life?.former?.spec.release, newer.release);
      assert.equal(entity.state.life?.former?.lost, undefined);
    }));
});

describe('a gateway of whose state the record knows another release', () => {
  it('is taken up with the one that the refusal names, when somebody has put such a state there', async () => {
    const template = await upgradedGateway();
    try {
      await template.on(async (entity) => {
        entity.world.engine.crash(entity.names.container);
        entity.life.gateway = { ...entity.gateway, spec: keeping };
        entity.provision({ spec: keeping });
        await entity.drain();
        isNamed(entity, /^keep state: .*belongs to release 2026\.9\.7, on record is 2026\.9\.6/);
        await takeUp(entity, newer);
        isReady(entity);
      });
    } finally {
      template.close();
    }
  });
});

/** The record of an upgraded gateway is gone, and so is what it kept to go back to. */
async function onLost(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const template = await upgradedGateway();
  try {
    await template.on(async (known) => {
      await known.world.engine.removeVolume(replacementNames(known.gateway.mark).savedStates.a);
      await run(new VirtualEntity(known.world, emptyState(50, 0)));
    });
  } finally {
    template.close();
  }
}

/** The record of an upgraded gateway is gone; what it kept to go back to is there. */
async function onSaved(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const template = await upgradedGateway();
  try {
    await template.on(async ({ world }) => run(new VirtualEntity(world, emptyState(50, 0))));
  } finally {
    template.close();
  }
}

function saved(entity: VirtualEntity): string[] {
  return entity.world.engine.leftovers().filter((each) => each.includes('-snap-'));
}

async function isSaved(entity: VirtualEntity): Promise<boolean> {
  assert.deepEqual(saved(entity).length > 0 ? ['volume oc-g42-birth2-snap-a'] : [], saved(entity));
  return saved(entity).length > 0;
}

/** The world has a next key from now on; answers its id. */
function nextKey({ world }: VirtualEntity): string {
  const file = nextKeyFile(layKey(world.root, testKeyHex));
  createKey(file);
  return openKey(file).id;
}

async function rotate(entity: VirtualEntity, evict: boolean): Promise<void> {
  entity.ask({ kind: 'rotate', reclaim: false, evict, ...(!evict && { keyId: nextKey(entity) }) });
  const result = await entity.run();
  assert.equal(result?.outcome, 'done', result?.reason);
  await entity.pass(1);
  await entity.drain();
}

/** `creel provision g42 --birth … -f gateway.toml`, which finds the life on its engine and repairs it. */
async function takeUp(entity: VirtualEntity, spec: GatewaySpec): Promise<void> {
  requests += 1;
  const place = { provider: 'local', host: 'local' } as const;
  const asked = { kind: 'provision', spec, birth: 'birth2', how: 'take up', requestId: `t${requests}`, place } as const;
  const request = { ...asked, origin: 'test' };
  checkRequest(entity.state, request, defaultLimits);
  acceptRequest(entity.state, request, testDeployment, 'g42', entity.now);
  const operation = beginOperation(entity.state, entity.now);
  assert.ok(operation);
  const input: OperationInput = {
    layout: 1,
    kind: operation.kind,
    number: operation.number,
    gateway: entity.gateway,
    steps: operationSteps(entity.state, operation),
    entered: [{ step: 'keep state', unsettledUntil: 0 }, ...enteredBefore(entity.state, operation)],
    limits: defaultLimits,
  };
  const runtime = new VirtualRuntime(entity.world.activities, toldOf(input, registry), 1_000, noFault);
  const found = await entity.world.activities.findGeneration(entity.gateway);
  const { savedBy, saved } = typeof found === 'number' ? {} : found;
  const extra = { ...(savedBy !== undefined && { savedBy }), ...(saved && { saved }) };
  const result = { ...(await new Saga(input, runtime).repair()), ...extra };
  endOperation(entity.state, operation, result, entity.now);
  if (operation.kind === 'take-up') noteSaved(entity.state, result, entity.now);
}

/** The refusal says what it is, and which command takes the life up. */
function isNamed({ state }: VirtualEntity, what: RegExp): void {
  assert.equal(state.phase, 'degraded');
  assert.match(state.reason, what);
  assert.match(state.reason, /`creel provision g42 -f gateway\.toml --birth birth2 --release 2026\.9\.7` takes/);
}

function isReady({ state, life, gateway }: VirtualEntity): void {
  assert.equal(state.phase, 'ready', state.reason);
  assert.equal(life.record?.version, gateway.spec.release);
}
