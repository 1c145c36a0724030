import assert from 'node:assert/strict';
import { dropPausesMs } from '../../../src/domain/thresholds.js';
import { replacementNames } from '../../../src/domain/changes/replacement.js';
import { DirectoryDevice } from '../../world/directory-device.js';
import { openTestWorld, testSpec } from '../../world/open-test-world.js';
import { at } from './faults.js';
import {
  interruptedAt,
  isBack,
  isGone,
  isKeptWhole,
  keeping,
  provisioned,
  someDevices,
  stateOf,
  upgrade,
} from './interrupted.js';
import type { Proof } from './saga-proofs.js';
import { VirtualEntity, type WholeSaga, type Wish } from './virtual-entity.js';
import type { FaultPlan, Outside } from './virtual-runtime.js';

const rotate: Wish = { kind: 'rotate', reclaim: false, evict: false };
const waiting = { ...keeping, parkMs: 3_600_000 };
const unproved = at('prove replacement', 'do', 'refuse after');

/** The undo of a step is refused as long as this says so, after the change could not be proved. */
function unprovedAndStuck(step: string, stuck: () => boolean): FaultPlan {
  return (asked, doing, attempt) =>
    asked === step && doing === 'undo' && stuck() ? 'refuse before' : unproved(asked, doing, attempt);
}

/** What people do to operations, and what they are told of them. */
export function outsideProofs(SagaUnderProof: WholeSaga): Proof[] {
  const on = (title: string, spec: typeof testSpec, run: (entity: VirtualEntity) => Promise<void>): Proof => ({
    title,
    run: async () => {
      const world = openTestWorld();
      try {
        await run(await provisioned(new VirtualEntity(world, undefined, SagaUnderProof), spec));
      } finally {
        world.close();
      }
    },
  });
  const anew = (title: string, parkMs: number, run: (entity: VirtualEntity) => Promise<void>): Proof => ({
    title,
    run: async () => {
      const world = openTestWorld();
      try {
        const entity = new VirtualEntity(world, undefined, SagaUnderProof);
        entity.provision({ spec: { ...testSpec, parkMs } });
        await run(entity);
      } finally {
        world.close();
      }
    },
  });
  return [...parks(on, anew), ...ends(on, anew), ...owed(on)];
}

type On = (title: string, spec: typeof testSpec, run: (entity: VirtualEntity) => Promise<void>) => Proof;
type Anew = (title: string, parkMs: number, run: (entity: VirtualEntity) => Promise<void>) => Proof;

/** Of the last operation that was not begun by creel itself. */
function pagesOf(entity: VirtualEntity): readonly string[] {
  return entity.runs.at(-1)?.runtime.pages ?? [];
}

function parks(on: On, anew: Anew): Proof[] {
  const refused = at('pair operator', 'do', 'refuse before', () => true);
  return [
    anew('a provision that is parked goes on with retry', 60_000, async (entity) => {
      let answers = 0;
      const answer: Outside['answer'] = () => {
        answers += 1;
        return answers < 10 ? 'retry' : 'abort';
      };
      const result = await entity.run((...told) => (answers < 2 ? refused(...told) : undefined), { answer });
      assert.deepEqual([result?.outcome, answers], ['done', 2]);
    }),
    anew('a provision that a person aborted is undone, and nobody is told what he did', 60_000, async (entity) => {
      const result = await entity.run(refused, { answer: () => 'abort' });
      assert.equal(result?.outcome, 'undone');
      assert.deepEqual(pagesOf(entity), ['pair operator needs attention']);
      await isGone(entity);
    }),
    anew(
      'a provision whose park nobody answers is tried once more, undone, and a person told',
      60_000,
      async (entity) => {
        const result = await entity.run(refused);
        assert.equal(result?.outcome, 'undone');
        assert.deepEqual(pagesOf(entity), ['pair operator needs attention', 'provision failed']);
      },
    ),
    on('a change never parks on its way, because the gateway serves meanwhile', waiting, async (entity) => {
      const before = stateOf(entity);
      entity.ask(upgrade);
      const result = await entity.run(unproved, { answer: () => 'abort' });
      assert.equal(result?.outcome, 'undone');
      assert.deepEqual(entity.runs.at(-1)?.runtime.parks, []);
      await isBack(entity, before);
    }),
    on('an undo that is parked is done with retry, however often it takes', waiting, async (entity) => {
      const before = stateOf(entity);
      entity.ask(upgrade);
      let answers = 0;
      const answer: Outside['answer'] = () => {
        answers += 1;
        return 'retry';
      };
      const result = await entity.run(
        unprovedAndStuck('set aside', () => answers < 2),
        { answer },
      );
      assert.equal(result?.outcome, 'undone');
      assert.equal(answers, 2); // What only waited for it, the room, asks nobody any more.
      await isBack(entity, before);
    }),
    on('an undo that is left is owed, and a repair goes on with it', waiting, async (entity) => {
      const before = stateOf(entity);
      entity.ask(upgrade);
      const result = await entity.run(
        unprovedAndStuck('set aside', () => true),
        { answer: () => 'leave' },
      );
      assert.equal(result?.outcome, 'left');
      assert.ok(result.left.some(({ step }) => step === 'set aside'));
      entity.provision({ spec: waiting });
      await isBack(entity, before);
    }),
    on('a removal ends the park of an undo, and keeps the state of the record', waiting, async (entity) => {
      const before = stateOf(entity);
      entity.ask(upgrade);
      const removal = interruptedAt(entity, { step: 'set aside', doing: 'parked', moment: 1 }, 'remove');
      const result = await entity.run(
        unprovedAndStuck('set aside', () => true),
        removal,
      );
      assert.equal(result?.outcome, 'stopped');
      await isKeptWhole(entity, before);
    }),
    on('a device that asks for more is let in by an operator’s word alone', waiting, async (entity) => {
      const device = new DirectoryDevice(entity.world.root, { scopes: ['operator.admin'] });
      const knocking = device.keepKnocking(entity.names.container);
      entity.ask({ kind: 'pair', wanted: { deviceId: device.id }, role: 'operator', scopes: [], waitMs: 120_000 });
      let asked = 0;
      const answer: Outside['answer'] = () => {
        asked += 1;
        return asked === 1 ? 'allow' : 'abort';
      };
      const result = await entity.run(undefined, { answer });
      assert.equal(result?.outcome, 'done', result?.reason);
      assert.equal(entity.runs.at(-1)?.runtime.parks.length, 1);
      await knocking;
    }),
  ];
}

function ends(on: On, anew: Anew): Proof[] {
  const refused = at('pair operator', 'do', 'refuse before');
  return [
    anew('a provision that failed tells a person once, also where nobody is waited for', 0, async (entity) => {
      assert.equal((await entity.run(refused))?.outcome, 'undone');
      assert.deepEqual(pagesOf(entity), ['provision failed']);
    }),
    anew('a provision that a removal pre-empts tells nobody', 0, async (entity) => {
      await entity.run(undefined, interruptedAt(entity, { step: 'pair operator', doing: 'do', moment: 1 }, 'remove'));
      assert.deepEqual(pagesOf(entity), []);
      await isGone(entity);
    }),
    anew('a provision that a person cancelled tells nobody', 0, async (entity) => {
      await entity.run(undefined, interruptedAt(entity, { step: 'pair operator', doing: 'do', moment: 1 }, 'cancel'));
      assert.deepEqual(pagesOf(entity), []);
      await isGone(entity);
    }),
    on('a repair that failed tells a person once', keeping, async (entity) => {
      entity.provision({ spec: keeping });
      assert.equal((await entity.run(refused))?.outcome, 'stopped');
      assert.deepEqual(pagesOf(entity), ['repair failed']);
    }),
    on('a change that went back tells a person once', keeping, async (entity) => {
      entity.ask(upgrade);
      await entity.run(unproved);
      assert.deepEqual(pagesOf(entity), ['upgrade went back']);
    }),
    on('an upgrade that its rehearsal refused three times waits for an operator’s word', keeping, async (entity) => {
      const crashes = (retryFailed = false): Wish => {
        return { kind: 'upgrade', release: '2026.9.8-crashes', dev: true, retryFailed };
      };
      for (let count = 0; count < 3; count += 1) {
        entity.ask(crashes());
        const result = await entity.run();
        assert.match(result?.reason ?? '', /^rehearse replacement: release 2026\.9\.8-crashes does not start/);
        assert.equal(entity.state.phase, 'ready');
      }
      assert.throws(() => entity.ask(crashes()), /could not be proved here 3 times.*--retry-failed/);
      entity.ask(crashes(true));
    }),
    on('a change that was refused at its first step ends with a look: it serves', keeping, async (entity) => {
      const provedAt = entity.state.life?.record?.provedAt;
      entity.ask(upgrade);
      assert.equal((await entity.run(at('check replacement', 'do', 'refuse before')))?.outcome, 'undone');
      assert.equal(entity.state.phase, 'ready');
      assert.notEqual(entity.state.life?.record?.provedAt, provedAt);
    }),
    on('a change that was refused because the gateway is down ends with a look: degraded', keeping, async (entity) => {
      entity.ask(upgrade);
      entity.world.engine.crash(entity.names.container);
      const result = await entity.run(at('check replacement', 'do', 'refuse before'));
      assert.equal(result?.outcome, 'undone');
      assert.equal(entity.state.phase, 'degraded');
      assert.match(entity.state.reason, /does not serve: .*exit 137.*`creel provision g42` repairs it/);
      entity.provision({ spec: keeping });
      await entity.drain();
      assert.equal(entity.state.phase, 'ready');
    }),
    on('a rotation whose time is over goes back, proved, and a person is told', keeping, async (entity) => {
      const before = stateOf(entity);
      entity.ask(rotate);
      const late = interruptedAt(entity, { step: 'prove token', doing: 'do', moment: 1 }, 'time is over');
      assert.equal((await entity.run(undefined, late))?.outcome, 'undone');
      assert.deepEqual(pagesOf(entity), ['rotate went back']);
      await isBack(entity, before);
    }),
  ];
}

function owed(on: On): Proof[] {
  return [
    on('a way back that a removal cuts short leaves the state of the record', keeping, async (entity) => {
      const before = stateOf(entity);
      entity.ask(upgrade);
      await entity.run(
        undefined,
        interruptedAt(entity, { step: 'prove replacement', doing: 'do', moment: 1 }, 'terminate'),
      );
      const removal = interruptedAt(entity, { step: 'set aside', doing: 'undo', moment: 2 }, 'remove');
      assert.equal((await entity.run(undefined, removal))?.outcome, 'stopped');
      await isKeptWhole(entity, before);
    }),
    on(
      'a device that was being let in when it was removed is not let in when it comes back',
      keeping,
      async (entity) => {
        const device = new DirectoryDevice(entity.world.root, {});
        const knocking = device.keepKnocking(entity.names.container);
        entity.ask({ kind: 'pair', wanted: { deviceId: device.id }, role: 'operator', scopes: [], waitMs: 120_000 });
        const removal = interruptedAt(entity, { step: 'await device', doing: 'do', moment: 0 }, 'remove');
        assert.equal((await entity.run(undefined, removal))?.outcome, 'stopped');
        device.stop();
        await knocking.catch(() => undefined); // It was told to stop.
        await entity.drain();
        assert.equal(entity.state.phase, 'removed');
        entity.provision({ how: 'restore', spec: keeping });
        await entity.drain();
        assert.equal(entity.state.phase, 'ready', entity.state.reason);
        const { paired, own } = await entity.world.activities.findDevices(entity.gateway);
        assert.deepEqual(
          paired.filter(({ deviceId }) => deviceId !== own),
          [],
        );
      },
    ),
    on('what a lost eviction let in is not let in when it comes back from a removal', keeping, async (entity) => {
      const before = stateOf(entity);
      entity.ask({ kind: 'rotate', reclaim: false, evict: true });
      await entity.run(undefined, interruptedAt(entity, { step: 'read rotated', doing: 'do', moment: 0 }, 'terminate'));
      entity.remove();
      await isKeptWhole(entity, before, someDevices);
    }),
    on('saved states that could not be let go stay on record, and go when they can', keeping, async (entity) => {
      entity.ask(upgrade);
      await entity.drain();
      entity.ask({ kind: 'rotate', reclaim: false, evict: true });
      await entity.run();
      await entity.pass(0);
      const stuck = at('drop snapshot', 'do', 'refuse before', () => true);
      for (const pause of [0, ...dropPausesMs.slice(0, 2)]) {
        await entity.pass(pause);
        assert.equal(entity.state.queue.length, 1);
        await entity.run(stuck);
        assert.equal(entity.state.phase, 'degraded');
        assert.match(entity.state.reason, /^saved states of before could not be let go: drop snapshot: /);
        assert.deepEqual(
          entity.state.life?.left.map(({ step }) => step),
          ['drop snapshot'],
        );
        assert.equal(pagesOf(entity).length, pause === 0 ? 1 : 0);
        assert.deepEqual(entity.state.queue, []);
      }
      await entity.pass(dropPausesMs[2]);
      await entity.drain();
      assert.deepEqual(
        [entity.state.phase, entity.state.life?.left, entity.state.life?.dropping],
        ['ready', [], undefined],
      );
      const shelf = `volume ${replacementNames(entity.gateway.mark).savedStates.a}`;
      assert.ok(!entity.world.engine.leftovers().includes(shelf));
    }),
    on('a repair tries at once what could not be let go', keeping, async (entity) => {
      entity.ask(upgrade);
      await entity.drain();
      entity.ask({ kind: 'rotate', reclaim: false, evict: true });
      await entity.run();
      await entity.pass(0);
      await entity.run(at('drop snapshot', 'do', 'refuse before', () => true));
      entity.provision({ spec: entity.gateway.spec });
      await entity.drain();
      assert.equal(entity.state.phase, 'degraded');
      await entity.pass(0);
      await entity.drain();
      assert.equal(entity.state.phase, 'ready');
    }),
  ];
}
