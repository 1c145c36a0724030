import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { markLabels, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { replacementNames, type Replacement } from '../../../src/domain/changes/replacement.js';
import {
  readStateMark,
  stateMarkFile,
  writeStateMark,
  type StateMark,
} from '../../../src/domain/gateway/state-mark.js';
import type { VolumeCopy } from '../../../src/ports/docker-engine.js';
import { Saga } from '../../../src/workflows/saga/saga.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { upgradeSteps, upgrade as upgrading } from '../../../src/workflows/replace/operation.js';
import { imageOf, openTestWorld, testSpec } from '../../world/open-test-world.js';
import { ChangeStage } from '../proofs/change-stage.js';
import { at, noFault } from '../proofs/faults.js';
import {
  interruptedAt,
  isKeptWhole,
  keeping,
  loseState,
  readyGateway,
  sameDevices,
  stateIn,
  stateOf,
  upgrade,
  upgradedGateway,
  type State,
} from '../proofs/interrupted.js';
import type { VirtualEntity } from '../proofs/virtual-entity.js';
import { VirtualRuntime } from '../proofs/virtual-runtime.js';

const newer = '2026.9.7';
const replacement: Replacement = {
  kind: 'upgrade',
  number: 7,
  to: { ...testSpec, release: newer },
  save: 'a',
  readyMs: 2_000,
};

describe('the mark of a state', () => {
  it('is there from the first start on, and belongs to the release of the record', async () => {
    await onProvisioned(async (stage) => {
      const { birth } = stage.gateway.mark;
      assert.deepEqual(markIn(stage), { birth, release: testSpec.release, copy: 'first', whole: true });
    });
  });

  it('moves on with a replacement before its start, and the saved state keeps the previous one', async () => {
    await onProvisioned(async (stage) => {
      const marks: (StateMark | undefined)[] = [];
      stage.world.engine.addImage(imageOf('2026.9.7'), await neverReady(stage));
      const result = await stage.run(replacement, (step, doing) => {
        if (step === 'await replacement' && doing === 'do') marks.push(markIn(stage), savedMark(stage));
        return undefined;
      });
      assert.equal(result.outcome, 'undone');
      assert.deepEqual(
        marks.map((mark) => [mark?.release, mark?.copy, mark?.whole]),
        [
          ['2026.9.7', 'first', true],
          [testSpec.release, 'a/7', true],
        ],
      );
      assert.deepEqual([markIn(stage)?.release, markIn(stage)?.copy], [testSpec.release, 'a/7']);
    });
  });

  it('is given to a state of an older creel by the next thing that is written there', async () => {
    await onProvisioned(async (stage) => {
      fs.rmSync(markFile(stage));
      stage.world.engine.crash(stage.names.container);
      assert.equal((await repair(stage)).outcome, 'done');
      assert.equal(markIn(stage)?.release, testSpec.release);
    });
  });
});

describe('a state that is torn', () => {
  it('is put back by a repair while it is known which saved state belongs to the record', async () => {
    await onProvisioned(async (stage) => {
      await savedBeside(stage);
      tear(stage, { release: '2026.9.7', copy: 'b/9' });
      stage.gateway = { ...stage.gateway, underway: { number: 7, save: 'a' } };
      assert.equal((await repair(stage)).outcome, 'done');
      isWhole(stage, 'a/7');
    });
  });

  it('is put back by a repair from where its copy was cut short, when that is the state of the record', async () => {
    await onProvisioned(async (stage) => {
      await savedBeside(stage);
      tear(stage, { release: testSpec.release, copy: 'a/7' });
      assert.equal((await repair(stage)).outcome, 'done');
      isWhole(stage, 'a/7');
    });
  });

  it('and cannot be put back is never started: a repair says what to do, and that works', async () => {
    await onProvisioned(async (stage) => {
      const files = path.dirname(markFile(stage));
      fs.cpSync(files, `${files}.backup`, { recursive: true });
      tear(stage, { release: testSpec.release, copy: 'a/7' });
      const result = await repair(stage);
      assert.equal(result.outcome, 'stopped');
      assert.match(
        result.reason,
        /^keep state: the state of g42 .* is torn: .*from a backup, without the file \.creel-state/s,
      );
      fs.rmSync(files, { recursive: true });
      fs.renameSync(`${files}.backup`, files);
      fs.rmSync(markFile(stage));
      assert.equal((await repair(stage)).outcome, 'done');
    });
  });

  it('is not started by whoever holds its container already', async () => {
    await onProvisioned(async (stage) => {
      tear(stage, { release: testSpec.release, copy: 'a/7' });
      await assert.rejects(stage.world.activities.ensureContainer(stage.gateway), /is torn/);
      await assert.rejects(stage.world.activities.ensureConfig(stage.gateway), /is torn/);
    });
  });
});

describe('a state of another release than the record', () => {
  it('is not started, and the refusal names the release that it belongs to', async () => {
    await onProvisioned(async (stage) => {
      stage.world.engine.crash(stage.names.container);
      stage.gateway = { ...stage.gateway, spec: { ...testSpec, release: '2026.9.7' } };
      const result = await repair(stage);
      assert.equal(result.outcome, 'stopped');
      assert.match(
        result.reason,
        /^keep state: .*belongs to release 2026\.9\.6, on record is 2026\.9\.7.*--release 2026\.9\.6/s,
      );
      stage.gateway = { ...stage.gateway, spec: testSpec };
      assert.equal((await repair(stage)).outcome, 'done');
    });
  });

  it('is put back while a replacement is under way that saved the one of the record', async () => {
    await onProvisioned(async (stage) => {
      await savedBeside(stage);
      fs.writeFileSync(markFile(stage), writeStateMark({ ...mark(stage), release: '2026.9.7', copy: 'b/3' }));
      stage.gateway = { ...stage.gateway, underway: { number: 7, save: 'a' } };
      assert.equal((await repair(stage)).outcome, 'done');
      isWhole(stage, 'a/7');
    });
  });
});

describe('a mark that an older creel, which knows none, has left behind an upgrade', () => {
  it('is moved on by a repair: the gateway’s own container of the release on record has run on it', async () => {
    await onLeftBehind(async (stage) => {
      stage.world.engine.crash(stage.names.container);
      assert.equal((await repair(stage)).outcome, 'done');
      assert.deepEqual(markIn(stage), { ...mark(stage), release: newer });
    });
  });

  it('is moved on by whatever starts that container', async () => {
    await onLeftBehind(async (stage) => {
      stage.world.engine.crash(stage.names.container);
      await stage.world.activities.ensureContainer(stage.gateway);
      assert.equal(markIn(stage)?.release, newer);
    });
  });

  it('is moved on by the next replacement, done or taken back', async () => {
    for (const refused of [undefined, 'save state', 'await replacement'])
      await onLeftBehind(async (stage) => {
        const bigger: Replacement = {
          ...replacement,
          kind: 'change',
          number: 8,
          to: { ...stage.gateway.spec, memoryMb: 4096 },
        };
        const result = await stage.run(bigger, refused === undefined ? noFault : at(refused, 'do', 'refuse before'));
        assert.equal(result.outcome, refused === undefined ? 'done' : 'undone', result.reason);
        assert.deepEqual([markIn(stage)?.release, markIn(stage)?.whole], [newer, true]);
      });
  });

  it('stays, and nothing starts, where that container never ran, is of another release, or the state is torn', async () => {
    await onLeftBehind(async (stage) => {
      const { engine } = stage.world;
      tear(stage, { release: testSpec.release, copy: 'first' });
      assert.match((await repair(stage)).reason, /^keep state: .* is torn/);
      leaveBehind(stage);
      await engine.removeContainer((await containerOf(stage)).id);
      assert.match(
        (await repair(stage)).reason,
        /^keep state: .*belongs to release 2026\.9\.6, on record is 2026\.9\.7/,
      );
    });
  });
});

describe('a removal that keeps the state', () => {
  it('puts back what a way back was cut short in, and only then lets saved states go', async () => {
    await onProvisioned(async (stage) => {
      await savedBeside(stage);
      tear(stage, { release: testSpec.release, copy: 'a/7' });
      await stage.world.activities.removeRoom({ ...stage.gateway, spec: keeping, underway: { number: 7, save: 'a' } });
      isWhole(stage, 'a/7');
      assert.ok(!stage.world.engine.leftovers().some((each) => each.includes('-snap-')));
    });
  });

  it('lets nothing go while the state is torn and nobody knows what belongs to it, and everything when it purges', async () => {
    await onProvisioned(async (stage) => {
      await savedBeside(stage);
      tear(stage, { release: '2026.9.7', copy: 'b/3' });
      const { removeRoom } = stage.world.activities;
      await assert.rejects(
        removeRoom({ ...stage.gateway, spec: keeping }),
        /is torn: .*from its saved state in volume oc-g42/s,
      );
      assert.ok(savedMark(stage));
      const purging: Gateway & { purging: true } = { ...stage.gateway, spec: keeping, purging: true };
      await removeRoom(purging);
      assert.ok(!stage.world.engine.leftovers().some((each) => each.includes('-snap-')));
    });
  });

  it('keeps the newest saved state where the state itself is gone, whenever it is interrupted, and its release takes it up', async () => {
    const upgraded = await upgradedGateway();
    try {
      let moments = 1;
      for (let moment = 0; moment < moments; moment += 1)
        await upgraded.on(async (entity) => {
          const { engine } = entity.world;
          const saved = savedOf(entity);
          await loseState(entity);
          entity.remove();
          const place = { step: 'make room', doing: 'undo', moment } as const;
          await entity.run(undefined, interruptedAt(entity, place, 'terminate'));
          if (entity.runs.at(-1)?.runtime.interrupted) moments += 1;
          await entity.drain();
          assert.equal(entity.state.phase, 'removed', entity.state.reason);
          assert.deepEqual(engine.leftovers(), [`volume ${entity.names.volume}`]);
          assert.deepEqual(stateOf(entity), saved);
          assert.throws(
            () => entity.provision({ how: 'restore', spec: { ...keeping, release: newer } }),
            /belongs to release 2026\.9\.6.*--release 2026\.9\.6/,
          );
          entity.provision({ how: 'restore', spec: keeping });
          await entity.drain();
          assert.equal(entity.state.phase, 'ready', entity.state.reason);
          sameDevices(entity, saved);
          entity.remove();
          await isKeptWhole(entity, stateOf(entity));
        });
      assert.ok(moments > 5);
    } finally {
      upgraded.close();
    }
  });

  it('of which no state is left at all keeps none, and a repair names the saved one where there is one', async () => {
    const upgraded = await upgradedGateway();
    try {
      await upgraded.on(async (entity) => {
        await loseState(entity);
        entity.provision({ spec: entity.gateway.spec });
        await entity.drain();
        assert.match(
          entity.state.reason,
          /is gone .*newest saved state, of release 2026\.9\.6.*`creel provision g42 --restore --release 2026\.9\.6`/,
        );
        await entity.world.engine.removeVolume(replacementNames(entity.gateway.mark).savedStates.a);
        entity.remove();
        await entity.drain();
        assert.deepEqual([entity.state.phase, entity.world.engine.leftovers()], ['removed', []]);
      });
    } finally {
      upgraded.close();
    }
  });

  it('ends a save that is under way, and waits for a restore', async () => {
    await onProvisioned(async (stage) => {
      await savedBeside(stage);
      const { engine, activities } = stage.world;
      await engine.renameContainer((await containerOf(stage)).id, replacementNames(stage.gateway.mark).former);
      engine.betweenPieces = () => {
        throw new Error('the worker is dead');
      };
      await assert.rejects(engine.restoreVolume(copyOf(stage, 'a', 7)), /the worker is dead/);
      engine.betweenPieces = undefined;
      const drop = async () => activities.ensureDropped({ ...stage.gateway, change: { kind: 'drop-snapshot' } });
      await assert.rejects(drop(), /is being copied by container/);
      while ((await engine.findContainer(copyOf(stage, 'a', 7).copier))?.state === 'running');
      await drop();
      isWhole(stage, 'a/7');
    });
  });
});

describe('a mark that the owner of a state has written', () => {
  it.each([
    ['that is no file', (file: string) => fs.mkdirSync(file)],
    ['that is a link', (file: string) => fs.symlinkSync('openclaw.json', file)],
    ['that no mark is as long as', (file: string) => fs.writeFileSync(file, ' '.repeat(2_000_000))],
    [
      'of a release that is none',
      (file: string) => fs.writeFileSync(file, '{"birth":"x","copy":"first","release":"\u001B[2J","whole":true}'),
    ],
    [
      'of a copy that is none',
      (file: string) => fs.writeFileSync(file, '{"birth":"x","copy":"../../b","release":"2026.9.6","whole":true}'),
    ],
  ])(
    '%s is none: a repair starts the gateway, and an upgrade and a removal come to their ends',
    async (_what, forge) => {
      const ready = await readyGateway();
      try {
        await ready.on(async (entity) => {
          const file = path.join(entity.world.root, 'files', entity.names.volume, stateMarkFile);
          const forged = () => {
            fs.rmSync(file, { recursive: true, force: true });
            forge(file);
          };
          forged();
          entity.world.engine.crash(entity.names.container);
          entity.provision({ spec: keeping });
          await entity.drain();
          assert.equal(entity.state.phase, 'ready', entity.state.reason);
          forged();
          entity.ask(upgrade);
          await entity.drain();
          assert.equal(entity.gateway.spec.release, newer, entity.state.ended.at(-1)?.reason);
          forged();
          const before = stateOf(entity);
          entity.remove();
          await isKeptWhole(entity, before);
        });
      } finally {
        ready.close();
      }
    },
  );

  it('that calls his state the torn copy of a saved one of another release lets nothing be put over it', async () => {
    const upgraded = await upgradedGateway();
    try {
      await upgraded.on(async (entity) => {
        const file = path.join(entity.world.root, 'files', entity.names.volume, stateMarkFile);
        const { labels = {} } =
          (await entity.world.engine.findVolume(replacementNames(entity.gateway.mark).savedStates.a)) ?? {};
        const copy = `a/${labels['creel.replacement']}`;
        const { birth } = entity.gateway.mark;
        fs.writeFileSync(file, writeStateMark({ birth, release: newer, copy, whole: false }));
        const before = stateOf(entity);
        entity.world.engine.crash(entity.names.container);
        entity.provision({ spec: entity.gateway.spec });
        await entity.drain();
        assert.match(entity.state.reason, /^keep state: .* is torn: /);
        assert.deepEqual(stateOf(entity), before);
        fs.rmSync(file);
        entity.provision({ spec: entity.gateway.spec });
        await entity.drain();
        assert.equal(entity.state.phase, 'ready', entity.state.reason);
      });
    } finally {
      upgraded.close();
    }
  });
});

/** The state that is kept for a rollback, as it would be of the gateway. */
function savedOf(entity: VirtualEntity): State {
  const { a } = replacementNames(entity.gateway.mark).savedStates;
  return stateIn(path.join(entity.world.root, 'files', a, 'state'));
}

/** An upgrade is done, and the state says what it said before: so an older creel leaves it. */
async function onLeftBehind(run: (stage: ChangeStage) => Promise<void>): Promise<void> {
  await onProvisioned(async (stage) => {
    assert.equal((await stage.run(replacement)).outcome, 'done');
    stage.gateway = { ...stage.gateway, spec: replacement.to, replacement: replacement.number };
    leaveBehind(stage);
    await run(stage);
  });
}

function leaveBehind(stage: ChangeStage): void {
  fs.writeFileSync(markFile(stage), writeStateMark(mark(stage)));
}

/** The state of now lies in shelf a, saved by replacement 7; the gateway does not run. */
async function savedBeside(stage: ChangeStage): Promise<void> {
  const { engine } = stage.world;
  engine.crash(stage.names.container);
  const { id } = await containerOf(stage);
  const own = replacementNames(stage.gateway.mark);
  const labels = { ...markLabels(stage.gateway.mark), 'creel.replacement': '7', 'creel.release': testSpec.release };
  await engine.createVolume({ name: own.savedStates.a, labels });
  await engine.renameContainer(id, own.former);
  await engine.saveVolume(copyOf(stage, 'a', 7));
  await engine.renameContainer(id, stage.names.container);
}

function copyOf(stage: ChangeStage, shelf: 'a' | 'b', number: number): VolumeCopy {
  const own = replacementNames(stage.gateway.mark);
  return {
    state: stage.names.volume,
    saved: own.savedStates[shelf],
    copier: own.copier,
    gateway: stage.names.container,
    labels: { ...markLabels(stage.gateway.mark), 'creel.replacement': String(number) },
    imageId: stage.world.engine.containers()[0]?.imageId ?? '',
    whole: { ...mark(stage), copy: `${shelf}/${number}` },
  };
}

function mark(stage: ChangeStage): StateMark {
  return { birth: stage.gateway.mark.birth, release: testSpec.release, copy: 'first', whole: true };
}

/** What a copy that was cut short leaves. */
function tear(stage: ChangeStage, cut: Pick<StateMark, 'release' | 'copy'>): void {
  if (stage.world.engine.containers().some(({ state }) => state === 'running'))
    stage.world.engine.crash(stage.names.container);
  fs.rmSync(path.join(path.dirname(markFile(stage)), 'state'), { recursive: true, force: true });
  fs.writeFileSync(markFile(stage), writeStateMark({ ...mark(stage), ...cut, whole: false }));
}

function isWhole(stage: ChangeStage, copy: string): void {
  assert.deepEqual(markIn(stage), { ...mark(stage), copy });
  assert.ok(fs.existsSync(path.join(path.dirname(markFile(stage)), 'state', 'version')));
}

function markFile(stage: ChangeStage): string {
  return path.join(stage.world.root, 'files', stage.names.volume, stateMarkFile);
}

function markIn(stage: ChangeStage): StateMark | undefined {
  return readStateMark(fs.readFileSync(markFile(stage), 'utf8'));
}

function savedMark(stage: ChangeStage): StateMark | undefined {
  const volume = replacementNames(stage.gateway.mark).savedStates.a;
  return readStateMark(fs.readFileSync(path.join(stage.world.root, 'files', volume, 'state', stateMarkFile), 'utf8'));
}

async function containerOf(stage: ChangeStage) {
  const found = await stage.world.engine.findContainer(stage.names.container);
  assert.ok(found);
  return found;
}

async function neverReady(stage: ChangeStage) {
  const image = await stage.world.engine.findImage(imageOf('2026.9.7'));
  assert.ok(image);
  return { ...image, labels: { ...image.labels, 'test.behaviour': 'never ready' } };
}

async function repair(stage: ChangeStage) {
  const runtime = new VirtualRuntime(stage.world.activities, stage.gateway, 0, noFault);
  const input = { layout: 1, kind: 'repair', number: 2, gateway: stage.gateway, entered: [] } as const;
  return new Saga({ ...input, steps: provisionSteps, limits: defaultLimits }, runtime).repair();
}

async function onProvisioned(run: (stage: ChangeStage) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const stage = new ChangeStage(world, { operation: upgrading, steps: upgradeSteps });
    await stage.provision();
    await run(stage);
  } finally {
    world.close();
  }
}
