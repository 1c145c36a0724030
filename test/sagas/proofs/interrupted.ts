import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { tokensFile } from '../../../src/domain/channels/tokens.js';
import { configFile, lastGoodFile } from '../../../src/domain/gateway/config.js';
import { previousTokensFile } from '../../../src/domain/keys/previous-keys.js';
import { readStateMark, stateMarkFile } from '../../../src/domain/gateway/state-mark.js';
import { replacementNames } from '../../../src/domain/changes/replacement.js';
import { writtenFile } from '../../../src/domain/gateway/written-config.js';
import { registry } from '../../../src/workflows/operations.js';
import { stateKeptUntil } from '../../../src/workflows/record/state.js';
import { Secret } from '../../../src/domain/secret.js';
import { DirectoryDevice } from '../../world/directory-device.js';
import { openTestWorld, testSpec } from '../../world/open-test-world.js';
import { at, noFault } from './faults.js';
import { Template, VirtualEntity, type Wish } from './virtual-entity.js';
import type { FaultPlan, Interruption, Moment, Outside } from './virtual-runtime.js';

/** Where an operation is interrupted: in the `do` of a step, or in its undo, because the last step is refused. */
export type Place = { readonly step: string; readonly doing: 'do' | 'undo' };

/** A gateway that keeps its state for an hour when it is removed. */
export const keeping = { ...testSpec, keepStateMs: 3_600_000 };
const newer = '2026.9.7';
const botToken = `123456789:${'A'.repeat(35)}`;
export const upgrade: Wish = { kind: 'upgrade', release: newer, dev: true, retryFailed: false, readyMs: 60_000 };

/** No gateway yet. */
export async function noGateway(): Promise<Template> {
  const world = openTestWorld();
  try {
    return new Template(new VirtualEntity(world));
  } finally {
    world.close();
  }
}

/** A ready gateway that keeps its state, into which somebody has let a phone. */
export async function readyGateway(spec = keeping): Promise<Template> {
  return templateOf(async () => undefined, spec);
}

/** A ready gateway whose previous release is kept. */
export async function upgradedGateway(): Promise<Template> {
  return templateOf(async (entity) => {
    entity.ask(upgrade);
    await entity.drain();
    assert.equal(entity.state.life?.gateway.spec.release, newer);
  });
}

/** A gateway that was suspended. */
export async function suspendedGateway(): Promise<Template> {
  return templateOf(async (entity) => {
    entity.ask({ kind: 'suspend', reason: 'unpaid' });
    await entity.drain();
    assert.equal(entity.state.phase, 'suspended', entity.state.reason);
  });
}

/** Somebody has removed a gateway's container and its state, and left what was saved. */
export async function loseState(entity: VirtualEntity): Promise<void> {
  const { engine } = entity;
  const container = await engine.findContainer(entity.names.container);
  if (container) await engine.removeContainer(container.id);
  await engine.removeVolume(entity.names.volume);
}

async function templateOf(begin: (entity: VirtualEntity) => Promise<void>, spec = keeping): Promise<Template> {
  const world = openTestWorld();
  try {
    const entity = await provisioned(new VirtualEntity(world), spec);
    new DirectoryDevice(entity.root, { displayName: 'Kitchen' }).pair(entity.names.container);
    await world.deps.secrets.write('bot', new Secret(botToken));
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

/** Every place at which a list can be interrupted. */
export function placesOf(steps: readonly string[]): Place[] {
  const undoable = steps.filter((step) => registry[step]?.undo).toReversed();
  return [
    ...steps.map((step) => ({ step, doing: 'do' as const })),
    ...undoable.map((step) => ({ step, doing: 'undo' as const })),
  ];
}

/** What only reads leaves the world as it was at the moment before it. */
const reads = /^(find|read|list|look|last)|^device\.pair\.list$|^config\.get$|^channels\.status$|^health$/;

/** What is interrupted: how it is asked for, its steps, and what people do when a moment comes. */
export type Asked = {
  readonly steps: readonly string[];
  readonly ask: (entity: VirtualEntity) => void;
  readonly meanwhile?: (entity: VirtualEntity, moment: Moment) => void;
};

/** An operation that is interrupted once at each moment of a place at which the world has changed, each time in a world of its own. */
export class Interrupted {
  readonly #template: Template;
  readonly #asked: Asked;
  readonly #moments = new Map<string, Promise<readonly number[]>>();

  constructor(template: Template, asked: Asked) {
    this.#template = template;
    this.#asked = asked;
  }

  /** Answers at how many moments of the place something came. */
  async everywhere(
    place: Place,
    comes: Interruption,
    check: (entity: VirtualEntity, before: State) => Promise<void>,
    purge = false,
  ): Promise<number> {
    let met = 0;
    for (const moment of await this.#momentsOf(place)) {
      await this.#template.on(async (entity) => {
        const before = stateOf(entity);
        this.#asked.ask(entity);
        const comesAt = interruptedAt(entity, { ...place, moment }, comes, purge);
        await entity.run(this.#plan(place), this.#with(entity, comesAt));
        if (!entity.runs.at(-1)?.runtime.interrupted) return;
        met += 1;
        await check(entity, before);
      });
    }
    return met;
  }

  /** The first, the last, and every one before which something was written. */
  async #momentsOf(place: Place): Promise<readonly number[]> {
    const key = `${place.doing} ${place.step}`;
    const known = this.#moments.get(key) ?? this.#look(place);
    this.#moments.set(key, known);
    return known;
  }

  async #look(place: Place): Promise<readonly number[]> {
    const calls: string[] = [];
    const at: Outside['at'] = ({ step, doing, moment, call = '' }) => {
      if (step === place.step && doing === place.doing) calls[moment] ??= call;
      return undefined;
    };
    await this.#template.on(async (entity) => {
      this.#asked.ask(entity);
      await entity.run(this.#plan(place), this.#with(entity, { at }));
    });
    assert.ok(calls.length > 0, `${place.step} has no moment`);
    const indexes = [...calls.keys()];
    return indexes.filter((index) => index === calls.length - 1 || !reads.test(calls[index] ?? ''));
  }

  #with(entity: VirtualEntity, outside: Outside): Outside {
    const at: Outside['at'] = (moment) => {
      this.#asked.meanwhile?.(entity, moment);
      return outside.at?.(moment);
    };
    return { ...outside, at };
  }

  #plan({ doing }: Place): FaultPlan {
    return doing === 'do' ? noFault : at(this.#asked.steps.at(-1) ?? '', 'do', 'refuse after');
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

/** A customer's state: every file and its content, and of every paired device what the gateway knows. */
export type State = {
  readonly files: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, string>>;
};

/**
 * What lies in the state volume, but for what creel writes into every state that it starts, and what a gateway notes whenever
 * somebody connects or asks.
 */
export function stateOf(entity: VirtualEntity): State {
  if (!entity.state.life) return { files: {}, devices: {} };
  return stateIn(path.join(entity.root, 'files', entity.names.volume));
}

/** The same of a directory in which a state lies. */
export function stateIn(directory: string): State {
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted();
  const files = names.filter((name) => !isOurs(name) && fs.statSync(path.join(directory, name)).isFile());
  const [devices, others] = [files.filter(isDevice), files.filter((name) => !isDevice(name))];
  const read = (some: string[]) =>
    Object.fromEntries(some.map((name) => [name, fs.readFileSync(path.join(directory, name), 'utf8')]));
  return { files: read(others), devices: read(devices) };
}

function isDevice(name: string): boolean {
  return name.startsWith('devices/');
}

function isOurs(name: string): boolean {
  const ours = [configFile, lastGoodFile, writtenFile, stateMarkFile, tokensFile, previousTokensFile];
  return /^(seen|pending)\//.test(name) || ours.some((each) => path.basename(name) === path.basename(each));
}

/** The state says of itself that it is whole, and belongs to the release on record. */
function isMarkedWhole(entity: VirtualEntity): void {
  const file = path.join(entity.root, 'files', entity.names.volume, stateMarkFile);
  const isThere = fs.lstatSync(file, { throwIfNoEntry: false })?.isFile();
  const mark = isThere ? readStateMark(fs.readFileSync(file, 'utf8')) : undefined;
  if (mark) assert.deepEqual([mark.whole, mark.release], [true, entity.gateway.spec.release]);
}

/** Removed, and what is kept is exactly one state that the record names, whole: the gateway comes back on it. */
export async function isKeptWhole(
  entity: VirtualEntity,
  before: State,
  people: typeof sameDevices = sameDevices,
): Promise<void> {
  await entity.drain();
  const { state } = entity;
  assert.deepEqual([state.phase, state.life?.left], ['removed', []], state.reason);
  assert.ok(stateKeptUntil(state) > 0, 'its state is kept');
  assert.deepEqual(entity.leftovers(), [...entity.bought, `volume ${entity.names.volume}`].toSorted());
  assert.deepEqual(stateOf(entity).files, before.files);
  isMarkedWhole(entity);
  entity.provision({ how: 'restore', spec: entity.gateway.spec });
  await entity.drain();
  await serves(entity);
  people(entity, before);
}

/** Every device is paired as it was, and creel's own asks for nothing. */
export function sameDevices(entity: VirtualEntity, before: State): void {
  assert.deepEqual(stateOf(entity).devices, before.devices);
  asksForNothing(entity);
}

/** As it is when some were put out before it came back: creel's device has come in again, and nobody is in who was not. */
export function someDevices(entity: VirtualEntity, before: State): void {
  const own = `devices/${entity.world.deps.keys.device(entity.gateway).id}.json`;
  const after = stateOf(entity).devices;
  assert.ok(after[own], 'creel’s own device is paired');
  assert.deepEqual(
    Object.keys(after).filter((device) => !before.devices[device]),
    [],
  );
  asksForNothing(entity);
}

/** No device of creel's waits, of this generation or of one that came to nothing: an operator would see a stranger ask. */
function asksForNothing(entity: VirtualEntity): void {
  const { keys } = entity.world.deps;
  const ours = [1, 2, 3].map((deviceGeneration) => keys.device({ ...entity.gateway, deviceGeneration }).id);
  const waiting = fs.readdirSync(path.join(entity.root, 'files', entity.names.volume, 'pending'));
  assert.deepEqual(
    waiting.filter((name) => ours.some((id) => name.startsWith(id))),
    [],
  );
}

/** Removed, and nothing is left. */
export async function isGone(entity: VirtualEntity): Promise<void> {
  await entity.drain();
  assert.deepEqual([entity.state.phase, entity.state.life?.left], ['removed', []], entity.state.reason);
  assert.deepEqual(entity.leftovers(), []);
}

/** As before it was asked for. */
export async function isBack(
  entity: VirtualEntity,
  before: State,
  kept: readonly string[] = [],
  people: typeof sameDevices = sameDevices,
): Promise<void> {
  await entity.drain();
  await serves(entity);
  assert.deepEqual(stateOf(entity).files, before.files);
  people(entity, before);
  isMarkedWhole(entity);
  const { container, network, volume } = entity.names;
  const shelves = kept.map(
    (shelf) => `volume ${replacementNames(entity.gateway.mark).savedStates[shelf === 'a' ? 'a' : 'b']}`,
  );
  const all = [...entity.bought, `container ${container}`, `network ${network}`, `volume ${volume}`, ...shelves];
  assert.deepEqual(entity.leftovers(), all.toSorted());
}

/** Ready by the record, and usable by the world's own word, with the release that the record names. */
export async function serves(entity: VirtualEntity): Promise<void> {
  const { state } = entity;
  assert.deepEqual(
    [state.phase, state.life?.left, state.life?.owed, state.life?.gateway.underway],
    ['ready', [], undefined, undefined],
    state.reason,
  );
  const record = await entity.world.activities.findGateway(entity.gateway);
  assert.equal(record.version, entity.gateway.spec.release);
}
