import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { configFile, lastGoodFile } from '../../src/domain/gateway-config.js';
import { readStateMark, stateMarkFile } from '../../src/domain/state-mark.js';
import { replacementNames } from '../../src/domain/replacement.js';
import { writtenFile } from '../../src/domain/written-config.js';
import { registry, stepsOfChange } from '../../src/workflows/steps.js';
import { openTestWorld, testSpec } from '../world/open-test-world.js';
import { at, noFault } from './faults.js';
import { Template, VirtualEntity, type WholeSaga, type Wish } from './virtual-entity.js';
import type { FaultPlan, Interruption, Moment, Outside } from './virtual-runtime.js';

/** Where an operation is interrupted: in the `do` of a step, or in its undo, because the last step is refused. */
export type Place = { readonly step: string; readonly doing: 'do' | 'undo' };

/** A gateway that keeps its state for an hour when it is removed. */
export const keeping = { ...testSpec, keepStateMs: 3_600_000 };
const newer = '2026.9.7';
export const upgrade: Wish = { kind: 'upgrade', release: newer, dev: true, retryFailed: false, readyMs: 2_000 };

/** A ready gateway. */
export async function readyGateway(): Promise<Template> {
  return templateOf(async () => undefined);
}

/** A ready gateway whose release of before is kept. */
export async function upgradedGateway(): Promise<Template> {
  return templateOf(async (entity) => {
    entity.ask(upgrade);
    await entity.drain();
    assert.equal(entity.state.life?.spec.release, newer);
  });
}

async function templateOf(begin: (entity: VirtualEntity) => Promise<void>): Promise<Template> {
  const world = openTestWorld();
  try {
    const entity = await provisioned(new VirtualEntity(world), keeping);
    await begin(entity);
    return new Template(entity);
  } finally {
    world.close();
  }
}

/** The same gateway, ready. */
export async function provisioned(entity: VirtualEntity, spec: typeof testSpec): Promise<VirtualEntity> {
  entity.provision({ spec });
  await entity.drain();
  assert.equal(entity.state.phase, 'ready', entity.state.reason);
  return entity;
}

/** Every place at which a change can be interrupted. */
export function placesOf(change: Parameters<typeof stepsOfChange>[0]): Place[] {
  const steps = stepsOfChange(change);
  const undoable = steps.filter((step) => registry[step]?.undo).toReversed();
  return [
    ...steps.map((step) => ({ step, doing: 'do' as const })),
    ...undoable.map((step) => ({ step, doing: 'undo' as const })),
  ];
}

/** An operation that is interrupted once at each moment of a place, each time in a world of its own. */
export class Interrupted {
  readonly #template: Template;
  readonly #wish: Wish;
  readonly #last: string;
  readonly #SagaUnderProof: WholeSaga | undefined;

  constructor(template: Template, wish: Wish, last: string, SagaUnderProof?: WholeSaga) {
    this.#template = template;
    this.#wish = wish;
    this.#last = last;
    this.#SagaUnderProof = SagaUnderProof;
  }

  /** Answers how many moments the place has. */
  async everywhere(
    place: Place,
    comes: Interruption,
    check: (entity: VirtualEntity, before: State, moment: Moment) => Promise<void>,
    purge = false,
  ): Promise<number> {
    for (let count = 0; ; count += 1) {
      const moment = { ...place, moment: count };
      let met = false;
      await this.#template.on(async (entity) => {
        const before = stateOf(entity);
        entity.ask(this.#wish);
        await entity.run(this.#plan(place), interruptedAt(entity, moment, comes, purge));
        met = entity.runs.at(-1)?.runtime.interrupted === true;
        if (met) await check(entity, before, moment);
      }, this.#SagaUnderProof);
      if (!met) return count;
      assert.ok(count < 200, `${place.step} has no last moment`);
    }
  }

  #plan({ doing }: Place): FaultPlan {
    return doing === 'do' ? noFault : at(this.#last, 'do', 'refuse after');
  }
}

/** Something comes at a moment, once. */
export function interruptedAt(entity: VirtualEntity, moment: Moment, comes: Interruption, purge = false): Outside {
  let met = false;
  return {
    at: (now) => {
      if (met || now.step !== moment.step || now.doing !== moment.doing || now.moment !== moment.moment)
        return undefined;
      met = true;
      return comes;
    },
    onRemove: () => entity.remove(purge),
  };
}

/** Every file of a customer's state and its content. */
export type State = Readonly<Record<string, string>>;

/**
 * What lies in the state volume, but for what creel writes into every state that it starts, and what a gateway notes whenever
 * somebody connects.
 */
export function stateOf(entity: VirtualEntity): State {
  const directory = path.join(entity.world.root, 'files', entity.names.volume);
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted();
  const files = names.filter((name) => !isOurs(name) && fs.statSync(path.join(directory, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, fs.readFileSync(path.join(directory, name), 'utf8')]));
}

function isOurs(name: string): boolean {
  const ours = [configFile, lastGoodFile, writtenFile, stateMarkFile];
  return name.includes('seen/') || ours.some((each) => path.basename(name) === path.basename(each));
}

/** The state says of itself that it is whole, and belongs to the release on record. */
function isMarkedWhole(entity: VirtualEntity): void {
  const file = path.join(entity.world.root, 'files', entity.names.volume, stateMarkFile);
  const mark = fs.existsSync(file) ? readStateMark(fs.readFileSync(file, 'utf8')) : undefined;
  if (mark) assert.deepEqual([mark.whole, mark.release], [true, entity.life.spec.release]);
}

/** Removed, and what is kept is exactly one state that the record names, whole: the gateway comes back on it. */
export async function isKeptWhole(entity: VirtualEntity, before: State): Promise<void> {
  await entity.drain();
  const { state } = entity;
  assert.deepEqual([state.phase, state.left], ['removed', []], state.reason);
  assert.ok(state.stateKeptUntil > 0, 'its state is kept');
  assert.deepEqual(entity.world.engine.leftovers(), [`volume ${entity.names.volume}`]);
  assert.deepEqual(stateOf(entity), before);
  isMarkedWhole(entity);
  entity.provision({ how: 'restore', spec: entity.life.spec });
  await entity.drain();
  await serves(entity);
}

/** Removed, and nothing is left. */
export async function isGone(entity: VirtualEntity): Promise<void> {
  await entity.drain();
  assert.deepEqual([entity.state.phase, entity.state.left], ['removed', []], entity.state.reason);
  assert.deepEqual(entity.world.engine.leftovers(), []);
}

/** As before it was asked for. */
export async function isBack(entity: VirtualEntity, before: State, kept: readonly string[] = []): Promise<void> {
  await entity.drain();
  await serves(entity);
  assert.deepEqual(stateOf(entity), before);
  isMarkedWhole(entity);
  const { container, network, volume } = entity.names;
  const shelves = kept.map(
    (shelf) => `volume ${replacementNames(entity.life.mark).snapshots[shelf === 'a' ? 'a' : 'b']}`,
  );
  const all = [`container ${container}`, `network ${network}`, `volume ${volume}`, ...shelves];
  assert.deepEqual(entity.world.engine.leftovers(), all.toSorted());
}

/** Ready by the record, and usable by the world's own word, with the release that the record names. */
async function serves(entity: VirtualEntity): Promise<void> {
  const { state } = entity;
  assert.deepEqual(
    [state.phase, state.left, state.owed, state.life?.underway],
    ['ready', [], undefined, undefined],
    state.reason,
  );
  const record = await entity.world.activities.findGateway(entity.life);
  assert.equal(record.version, entity.life.spec.release);
}
