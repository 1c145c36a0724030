import { describe, expect, test } from 'vitest';
import { gatewayOfSubscription } from '../../../src/domain/billing/subscription.js';
import { cutMiddle, jsonBytes } from '../../../src/domain/cut.js';
import type { GatewayRecord } from '../../../src/domain/gateway/reading.js';
import { canonical, gatewaySpec, type GatewaySpec } from '../../../src/domain/gateway/spec.js';
import type { Extras } from '../../../src/domain/extras/extras.js';
import type { Models } from '../../../src/domain/models/models.js';
import {
  answeredLength,
  approvedLength,
  endedLength,
  environmentBytes,
  extrasBytes,
  failedLength,
  memoBytes,
  modelNameLength,
  modelsBytes,
  noticesLength,
  queueBytes,
  reasonBytes,
  recordBytes,
  specBytes,
  sendersLength,
  suspensionReasonLength,
} from '../../../src/domain/thresholds.js';
import { checkBill, hearBill } from '../../../src/workflows/billing/bill.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkForms, checkRequest } from '../../../src/workflows/entity/check.js';
import { carry } from '../../../src/workflows/record/carried-state.js';
import { readState } from '../../../src/workflows/record/read-state.js';
import { describeHandOver, describeState } from '../../../src/workflows/record/describe.js';
import { answeredTo, emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { listMemoOf } from '../../../src/workflows/record/list-memo.js';
import { beginOperation, endOperation } from '../../../src/workflows/entity/begin-end.js';
import type { OperationResult } from '../../../src/wire/operation.js';
import type { Request } from '../../../src/wire/requests.js';
import { withdraw } from '../../../src/workflows/record/standing.js';
import { registry } from '../../../src/workflows/operations.js';
import { refusal } from '../refusal.js';

const place = { provider: 'local', host: 'h'.repeat(253), engine: 'e'.repeat(128) } as const;
const now = 1_764_284_570_000;

/** Channels that name as many senders, as long ones, and as long secrets as may be. */
function fullChannels(): GatewaySpec['channels'] {
  const secret = `secret:${'s'.repeat(63)}`;
  const digits = Array.from({ length: sendersLength - 2 }, (_, index) => `1${String(index).padStart(19, '0')}`);
  return [
    { kind: 'telegram', secrets: { botToken: secret }, allowFrom: ['5550001'] },
    { kind: 'discord', secrets: { token: secret }, allowFrom: digits },
    { kind: 'slack', secrets: { botToken: secret, appToken: secret }, allowFrom: [`U${'A'.repeat(19)}`] },
  ];
}

/** Models that take as much as they may. */
function fullModels(): Models {
  const id = 'p'.repeat(32);
  const named = (models: readonly string[]): Models => ({
    default: `${id}/${models[0]}`,
    fallbacks: [],
    providers: [{ id, key: `secret:${'s'.repeat(63)}`, baseUrl: 'http://h', api: 'openai-completions', models }],
    proveTurn: false,
  });
  const names = Array.from({ length: 11 }, (_, index) => `m${index}`.padEnd(modelNameLength, 'm'));
  const rest = modelsBytes - jsonBytes(named(names)) - '"",'.length;
  return named([...names, 'm'.repeat(rest)]);
}

/** Settings that take as much as they may. */
function fullExtras(): Extras {
  const bare = { tools: { deny: [''] } };
  return { tools: { deny: ['x'.repeat(extrasBytes - jsonBytes(bare))] } };
}

/** An environment that takes as much as it may. */
function fullEnvironment() {
  return { NAME: 'x'.repeat(environmentBytes - jsonBytes({ NAME: '' })) };
}

const fullSpec = gatewaySpec({
  release: '2026.9.1',
  dev: false,
  memoryMb: 262_144,
  cpus: 63.5,
  diskMb: 67_108_864,
  keepStateMs: 31_622_399_999,
  parkMs: 31_622_399_999,
  keepFormerMs: 31_622_399_999,
  channels: fullChannels(),
  rotation: 'scheduled',
  models: fullModels(),
  config: fullExtras(),
  timezone: `Z${'z'.repeat(63)}`,
  environment: fullEnvironment(),
});

const subscription = 's'.repeat(255);
const planName = 'p'.repeat(60);

/** An entity that only ever goes to its limits. `text` gives whatever others may write. */
class Full {
  readonly state: GatewayState = emptyState(12_345, now);
  readonly text: (length: number) => string;
  #requests = 0;

  constructor(text: (length: number) => string) {
    this.text = text;
  }

  ask(wish: object): void {
    this.#requests += 1;
    const requestId = `${this.#requests}${this.text(200)}`.slice(0, 200);
    const request = { place, origin: `o${this.text(199)}`, requestId, ...wish } as unknown as Request;
    checkRequest(this.state, request, defaultLimits);
    checkForms(this.state, request);
    acceptRequest(this.state, request, 'abcdefghij', 'g'.repeat(30), now);
  }

  begin(): void {
    beginOperation(this.state, now);
  }

  end(outcome: OperationResult['outcome'], extra: Partial<OperationResult> = {}): void {
    const { running } = this.state;
    if (!running) throw new Error('nothing runs');
    const all = Object.keys(registry);
    const left = all.map((step) => ({ step, kind: 'Refused', reason: this.text(5_000) }));
    const entered = all.map((step) => ({ step, unsettledUntil: now }));
    const told = { reason: outcome === 'done' ? '' : this.text(20_000), record: this.record(), skipped: all };
    endOperation(
      this.state,
      running,
      { outcome, ...told, entered, left: outcome === 'left' ? left : [], ...extra },
      now,
    );
  }

  run(wish: object, outcome: OperationResult['outcome'], extra: Partial<OperationResult> = {}): void {
    this.ask(wish);
    this.begin();
    this.end(outcome, extra);
  }

  record(): GatewayRecord {
    const words = [
      'version',
      'imageId',
      'containerId',
      'network',
      'subnet',
      'volume',
      'channels',
      'egress',
      'keyId',
      'model',
    ];
    const said = Object.fromEntries(words.map((word) => [word, this.text(5_000)]));
    const many = Array.from({ length: 100 }, () => this.text(500));
    const lists = { operatorScopes: many, serves: many };
    return {
      ...said,
      ...lists,
      stateBytes: 99_999_999_999_999,
      port: 65_535,
      provedAt: new Date(now).toISOString(),
    } as unknown as GatewayRecord;
  }

  /** Everything that a record can hold, at once. */
  fill(): void {
    this.run({ kind: 'provision', spec: fullSpec, birth: 'aaaaaa', how: 'new', keyId: 'ab'.repeat(4) }, 'done');
    for (let index = 0; index < approvedLength; index += 1) this.#pair(index);
    for (let index = 0; index < failedLength + 5; index += 1)
      this.#upgrade(`2026.9.${10 + index}-${'n'.repeat(30)}`, 'undone', {
        proofs: [{ at: '', step: 'undo set aside', proof: '' }],
      });
    this.#upgrade('2026.9.2', 'done');
    while (this.state.queue.length > 0) {
      this.begin();
      this.end('done');
    }
    for (let index = 0; index < answeredLength; index += 1)
      this.run(rotate, index === 0 ? 'done' : 'undone', { record: undefined });
    this.ask(upgrade('2026.9.3'));
    this.begin();
    this.#fillQueue();
    this.end('left', { unsettledUntil: now });
    if (this.state.life)
      this.state.life.suspended = { since: now, reason: this.text(suspensionReasonLength), by: 'account' };
    this.#pay();
  }

  /** As many events as are remembered, and an order that is refused. */
  #pay(): void {
    const terms = { unpaidMs: 316_224_000_000, endedMs: 316_224_000_000 };
    const order = { spec: fullSpec, place, birth: 'aaaaaa', keyId: 'ab'.repeat(4) };
    for (let index = 0; index < noticesLength + 5; index += 1) {
      const notice = { id: `${index}${this.text(255)}`.slice(0, 255), subscription, at: now + index, plan: planName };
      const bill = { notice: { ...notice, standing: 'active' as const }, terms, order, origin: 'o' };
      checkBill(gatewayOfSubscription(subscription), this.state, bill);
      hearBill({ deployment: 'abcdefghij', gateway: 'g', limits: defaultLimits }, this.state, bill, now);
    }
    if (!this.state.paid) throw new Error('nothing was heard');
    const often = {
      begun: true,
      again: now,
      suspendedFor: now,
      refused: cutMiddle(this.text(20_000), reasonBytes),
    } as const;
    this.state.paid = { ...this.state.paid, ...often };
  }

  #pair(index: number): void {
    const deviceId = String(index).padStart(64, 'f');
    const wish = { kind: 'pair', wanted: { deviceId }, role: 'operator', scopes: [], waitMs: 86_400_000 };
    this.run(wish, 'done', { deviceId });
  }

  #upgrade(release: string, outcome: OperationResult['outcome'], extra: Partial<OperationResult> = {}): void {
    this.run(upgrade(release), outcome, extra);
  }

  /** Until nothing more is taken. */
  #fillQueue(): void {
    const wishes = [
      {
        kind: 'change',
        channels: fullChannels(),
        models: fullModels(),
        config: fullExtras(),
        environment: fullEnvironment(),
      },
      ...Array.from({ length: 60 }, () => rotate),
    ];
    for (const wish of wishes)
      try {
        this.ask(wish);
      } catch (error) {
        expect(
          refusal(() => {
            throw error;
          }),
        ).toMatch(/wait/);
      }
  }
}

const rotate = { kind: 'rotate', reclaim: false, evict: false, keyId: 'cd'.repeat(4) };
const upgrade = (release: string) => ({ kind: 'upgrade', release, dev: false, retryFailed: true });

const fields = 'alone ended life newRun nextOperation paid phase queue reason requests running since version';
const fieldsOfLife =
  'approved backFrom burned entered failed former gateway handOver left owed record skipped stateKeptUntil suspended unsettledUntil';

const alphabets = ['x', '\u0001', '🦞'];

describe('what continue-as-new carries of a record', () => {
  test.each(alphabets)('stays within 128 KB at every bound, whatever others write (%j)', (letter) => {
    const full = new Full((length) => letter.repeat(Math.ceil(length / letter.length)).slice(0, length));
    full.fill();
    const { state } = full;
    const carried = carry(state);
    // Every field there is while nothing runs: one that is added must be filled here.
    expect(Object.keys(carried).toSorted().join(' ')).toBe(fields);
    expect(
      Object.keys(carried.life ?? {})
        .toSorted()
        .join(' '),
    ).toBe(fieldsOfLife);
    expect(state.answered).toHaveLength(answeredLength);
    expect(state.life?.approved).toHaveLength(approvedLength);
    expect(state.ended).toHaveLength(endedLength);
    expect(Object.keys(state.life?.failed ?? {})).toHaveLength(failedLength);
    expect(state.life?.owed).toBeDefined();
    expect(state.life?.former).toBeDefined();
    expect(state.paid?.account.heard).toHaveLength(noticesLength);
    expect(jsonBytes(state.paid?.order?.spec)).toBeGreaterThan(specBytes / 2);
    expect(jsonBytes(state.queue)).toBeGreaterThan(queueBytes / 2);
    expect(jsonBytes(carried)).toBeLessThanOrEqual(recordBytes);
    expect(jsonBytes(carried)).toBeGreaterThan(recordBytes / 2);
    const told = describeState(
      { layout: 1, deployment: 'abcdefghij', gateway: 'g', limits: defaultLimits },
      state,
      undefined,
    );
    expect(jsonBytes(told)).toBeLessThanOrEqual(recordBytes);
    const gateway = state.life?.gateway;
    const stands = gateway && { ...gateway, keyId: 'ab'.repeat(4), place: { ...place, engine: 'E'.repeat(128) } };
    const memo = listMemoOf({
      ...state,
      life: state.life && stands && { ...state.life, gateway: stands, stateKeptUntil: now },
      queue: [{ number: 1, kind: 'remove', purge: false }],
    });
    expect(memo).toMatchObject({ proved: expect.any(String), fleet: { removing: true, keyId: 'abababab' } });
    const handOver = describeHandOver({ generation: Number.MAX_SAFE_INTEGER, since: new Date(now).toISOString() });
    expect(jsonBytes({ ...memo, handOver })).toBeLessThanOrEqual(memoBytes);
    expect(readState(JSON.parse(JSON.stringify(carried)))).toEqual(JSON.parse(JSON.stringify(state)));
  });
});

describe('a request', () => {
  const plain = () => new Full(() => '');

  test('that an older version carried whole is known by its fingerprint', () => {
    const full = plain();
    full.run({ kind: 'provision', requestId: 'first', spec: fullSpec, birth: 'aaaaaa', how: 'new' }, 'done');
    const { life, running: _running, requests: _none, ...state } = carry(full.state);
    if (!life) throw new Error('there is no life on record');
    const { gateway, ...beside } = life;
    const { birth: _birth, ...whole } = {
      kind: 'provision',
      requestId: '',
      origin: '',
      spec: fullSpec,
      place,
      birth: 'aaaaaa',
      how: 'new',
    };
    const end = { kind: 'provision', birth: 'aaaaaa', outcome: 'done' } as const;
    const old = { requestId: 'first', content: canonical(whole), operation: 12_345, at: now, end };
    const entity = readState({ ...state, ...beside, version: 1, life: gateway, queue: [], answered: [old] });
    const again = { ...whole, requestId: 'first', origin: 'other', birth: 'bbbbbb' } as unknown as Request;
    expect(acceptRequest(entity, again, 'abcdefghij', 'g', now)).toMatchObject({
      operation: 12_345,
      state: 'done',
      birth: 'aaaaaa',
    });
    const other = { ...again, how: 'restore' } as unknown as Request;
    expect(refusal(() => checkRequest(entity, other, defaultLimits))).toContain('another content');
    expect(carry(entity).requests).toEqual([expect.stringContaining(' provision aaaaaa done')]);
  });

  test('that still waits is not forgotten for those that have ended', () => {
    const full = plain();
    full.run({ kind: 'provision', spec: fullSpec, birth: 'aaaaaa', how: 'new' }, 'done');
    full.ask(rotate);
    full.begin();
    full.ask({ ...rotate, requestId: 'waits' });
    for (let index = 0; index < answeredLength + 10; index += 1) {
      full.ask({ ...rotate, requestId: `r${index}` });
      withdraw(full.state, `r${index}`, 'no longer wanted');
    }
    expect(full.state.answered).toHaveLength(answeredLength);
    expect(answeredTo(full.state, 'waits')).toBeDefined();
    expect(answeredTo(full.state, 'r0')).toBeUndefined();
  });

  test('that names too many senders is refused; an earlier record keeps them, and may have fewer', () => {
    const many = (count: number) => {
      const senders = Array.from({ length: count }, (_, index) => `555${index + 1000}`);
      return fullChannels().map((each) => (each.kind === 'telegram' ? { ...each, allowFrom: senders } : each));
    };
    const said = /names 399 senders.*100 at most/;
    const spec = { ...fullSpec, channels: many(300) };
    expect(refusal(() => plain().ask({ kind: 'provision', spec, birth: 'aaaaaa', how: 'new' }))).toMatch(said);
    const full = plain();
    full.run({ kind: 'provision', spec: fullSpec, birth: 'aaaaaa', how: 'new' }, 'done');
    expect(refusal(() => full.ask({ kind: 'change', channels: spec.channels }))).toMatch(said);
    const { life } = full.state;
    if (life) life.gateway = { ...life.gateway, spec: gatewaySpec(spec) };
    full.run(upgrade('2026.9.2'), 'done');
    expect(full.state.life?.gateway.spec).toMatchObject({ release: '2026.9.2', channels: spec.channels });
    full.ask({ kind: 'change', channels: many(60) });
  });

  test('for one device more than creel can remember is refused with the command that makes room', () => {
    const full = plain();
    full.fill();
    const { state } = full;
    delete state.life?.owed;
    delete state.life?.suspended;
    state.queue = [];
    const wish = { kind: 'pair', role: 'operator', scopes: [], waitMs: 1_000 };
    expect(refusal(() => full.ask({ ...wish, wanted: { name: 'Phone' } }))).toMatch(/64 devices.*creel unpair ggg/);
    full.ask({ ...wish, wanted: { deviceId: state.life?.approved?.[0] } });
    full.ask({ kind: 'unpair', deviceId: state.life?.approved?.[0] });
    full.begin();
    full.end('done');
    full.begin();
    full.end('done');
    full.ask({ ...wish, wanted: { name: 'Phone' } });
  });

  test('that would not fit beside what waits is refused, also one that is too long alone', () => {
    const full = plain();
    full.run({ kind: 'provision', spec: fullSpec, birth: 'aaaaaa', how: 'new' }, 'done');
    expect(refusal(() => full.ask({ ...rotate, junk: 'x'.repeat(queueBytes) }))).toMatch(/bytes long/);
    full.ask({ ...rotate, junk: 'x'.repeat(queueBytes - 1_000) });
    expect(refusal(() => full.ask({ ...rotate, junk: 'x'.repeat(1_000) }))).toMatch(/wait take .*creel describe ggg/);
  });
});

describe('a removal', () => {
  test('is taken however many wait, and however many are remembered, and takes back what waits', () => {
    for (const text of [() => '', (length: number) => '\u0001'.repeat(length)]) {
      const full = new Full(text);
      full.fill();
      expect(full.state.queue.length).toBeGreaterThan(1);
      full.ask({ kind: 'remove', purge: false });
      expect(full.state.queue).toMatchObject([{ kind: 'remove' }]);
      full.ask({ kind: 'remove', purge: true });
      expect(jsonBytes(carry(full.state))).toBeLessThanOrEqual(recordBytes);
    }
  });

  test('is taken when as many requests wait as are remembered: they share one repair', () => {
    const full = new Full(() => '');
    full.run({ kind: 'provision', spec: fullSpec, birth: 'aaaaaa', how: 'new' }, 'done');
    full.ask(rotate);
    full.begin();
    const repair = { kind: 'provision', spec: fullSpec, birth: 'aaaaaa', how: 'new' };
    for (let index = 1; index < answeredLength; index += 1) full.ask(repair);
    expect(refusal(() => full.ask(repair))).toMatch(/300 requests wait already/);
    full.ask({ kind: 'remove', purge: false });
    expect(full.state.queue).toMatchObject([{ kind: 'remove' }]);
  });
});
