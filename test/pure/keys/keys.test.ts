import { existsSync, linkSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import {
  announceKey,
  countRun,
  keyId,
  keysOf,
  nameOfNewest,
  newestKey,
  promoteKey,
  type DeploymentKeys,
} from '../../../src/domain/keys/deployment-keys.js';
import { NotYet, Refused } from '../../../src/domain/errors.js';
import type { Seen } from '../../../src/domain/fleet/fleet.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { namingsOf } from '../../../src/domain/fleet/key-naming.js';
import { KeyRing } from '../../../src/domain/keys/key-ring.js';
import { rotated, type Rotation } from '../../../src/domain/changes/rotation.js';
import { gatewayToken, masterKey, operatorDevice, type MasterKey } from '../../../src/domain/keys/token.js';
import {
  createKey,
  nextKeyFile,
  openKey,
  openKeyRing,
  openKeys,
  openRetiredKeys,
  promoteKey as promoteFile,
} from '../../../src/settings/key-file.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { changeIn } from '../../../src/workflows/record/queued.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { beginOperation, endOperation, operationSteps } from '../../../src/workflows/entity/begin-end.js';
import type { OperationResult } from '../../../src/wire/operation.js';
import { letGo } from '../../../src/workflows/entity/owed.js';
import type { ProvisionRequest } from '../../../src/wire/requests.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { rekeySteps, rotateSteps } from '../../../src/workflows/rotate/operation.js';
import { openTestWorld, testSpec, type TestWorld } from '../../world/open-test-world.js';
import { ringOf } from '../../world/test-keys.js';
import { refusal } from '../refusal.js';

const [first, second, third] = ['ab', 'cd', 'ef'].map((hex) => masterKey(hex.repeat(32))) as [
  MasterKey,
  MasterKey,
  MasterKey,
];
const place = { provider: 'local', host: 'local' } as const;
const life: Gateway = {
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place,
  spec: testSpec,
  tokenGeneration: 1,
  deviceGeneration: 1,
};
const check = '0'.repeat(32);
const one: DeploymentKeys = keysOf({ keyId: first.id, keyCheck: check });

describe('the keys of a deployment', () => {
  test('begin with one, which no record names', () => {
    expect(one).toEqual([{ id: first.id, check, state: 'current' }]);
    expect(nameOfNewest(one)).toEqual({});
  });

  test('how many runs there were to a key is remembered: the highest number, whatever comes twice', () => {
    const both = announceKey(one, { id: second.id, check });
    const counted = countRun(countRun(countRun(both, second.id, 1), second.id, 3), second.id, 2);
    expect(counted).toMatchObject([{ id: first.id }, { id: second.id, runs: 3 }]);
    expect(promoteKey(counted, second.id)).toMatchObject([{ state: 'retired' }, { state: 'current', runs: 3 }]);
    expect(() => countRun(both, '00000000', 1)).toThrow(Refused);
    for (const number of [0, 1.5, '1']) expect(() => countRun(both, second.id, number as number)).toThrow(Refused);
  });

  test('go from one to the next, each word once, and on to a third', () => {
    const both = announceKey(one, { id: second.id, check });
    expect(announceKey(both, { id: second.id, check })).toBe(both);
    expect(newestKey(both)).toMatchObject({ id: second.id, state: 'next' });
    expect(nameOfNewest(both)).toEqual({ keyId: second.id });
    const after = promoteKey(both, second.id);
    expect(after.map(({ state }) => state)).toEqual(['retired', 'current']);
    expect(promoteKey(after, second.id)).toBe(after);
    const more = promoteKey(announceKey(after, { id: third.id, check }), third.id);
    expect(more.map(({ state }) => state)).toEqual(['retired', 'retired', 'current']);
    expect(nameOfNewest(more)).toEqual({ keyId: third.id });
  });

  test('refuse a second next one, one that was used before, and one that nobody announced', () => {
    const both = announceKey(one, { id: second.id, check });
    expect(refusal(() => announceKey(both, { id: third.id, check }))).toContain(`key ${second.id} is on its way`);
    expect(refusal(() => announceKey(both, { id: second.id, check: '1'.repeat(32) }))).toContain('on its way');
    expect(refusal(() => announceKey(one, { id: first.id, check }))).toContain('used before');
    expect(refusal(() => announceKey(one, { id: second.id, check: 'x' }))).toContain('malformed');
    expect(refusal(() => promoteKey(one, second.id))).toContain('not on its way');
    expect(refusal(() => promoteKey(promoteKey(both, second.id), first.id))).toContain('not on its way');
    expect(refusal(() => keyId('DF09DE28'))).toContain('malformed');
  });
});

describe('a ring of keys', () => {
  test('derives from the key that the record names, and from the first where it names none', () => {
    const ring = ringOf(second, first);
    const named = { ...life, keyId: second.id };
    expect(ring.token(life).reveal()).toBe(gatewayToken(first, life.mark, 1).reveal());
    expect(ring.token(named).reveal()).toBe(gatewayToken(second, life.mark, 1).reveal());
    expect(ring.device(life).id).toBe(operatorDevice(first, life.mark, 1).id);
    expect(ring.device(named).id).toBe(operatorDevice(second, life.mark, 1).id);
    expect([ring.nameOf(first), ring.nameOf(second)]).toEqual([undefined, second.id]);
  });

  test('learns a key that is put here later, and says by id which one it lacks', () => {
    const here = [first];
    const ring = new KeyRing(first.id, () => here);
    const named = { ...life, keyId: second.id };
    expect(() => ring.token(named)).toThrow(NotYet);
    expect(() => ring.token(named)).toThrow(
      `g42 is derived from master key ${second.id}, which this worker has not (it has ${first.id})`,
    );
    here.unshift(second);
    expect(ring.of(named)).toBe(second);
  });
});

describe('who names which key', () => {
  const seen = (over: Partial<Exclude<Seen, string | undefined>>): Seen => ({
    phase: 'ready',
    life,
    removing: false,
    ...over,
  });

  test('is everybody who lives, or is kept, or does not answer, with what to do', () => {
    const namings = namingsOf(
      one,
      new Map<string, Seen>([
        ['ready', seen({})],
        ['moved', seen({ life: { ...life, keyId: second.id } })],
        ['parked', seen({ phase: 'parked' })],
        ['sick', seen({ phase: 'degraded' })],
        ['unpaid', seen({ phase: 'suspended' })],
        ['kept', seen({ phase: 'removed', stateKeptUntil: '2026-12-01T00:00:00.000Z' })],
        ['removed', seen({ phase: 'removed' })],
        ['none', seen({ phase: 'none', life: undefined })],
        ['gone', undefined],
        ['mute', 'silent'],
      ]),
    );
    expect(namings.map(({ gateway, keyId: id }) => `${gateway} ${id}`)).toEqual([
      `kept ${first.id}`,
      `moved ${second.id}`,
      'mute undefined',
      `parked ${first.id}`,
      `ready ${first.id}`,
      `sick ${first.id}`,
      `unpaid ${first.id}`,
    ]);
    const remedies = Object.fromEntries(namings.map(({ gateway, remedy }) => [gateway, remedy]));
    expect(remedies).toMatchObject({
      kept: expect.stringMatching(/2026-12-01.*creel provision kept --restore.*creel remove kept --purge/),
      parked: expect.stringContaining('creel describe parked'),
      sick: expect.stringContaining('creel provision sick'),
      unpaid: expect.stringMatching(/suspended: `creel resume unpaid` .*`creel remove unpaid`/),
    });
  });
});

describe('the record of a gateway', () => {
  const ready = (over: Partial<Gateway> = {}): GatewayState => ({
    ...emptyState(2, 1_000),
    life: {
      ...newLife({ ...life, ...over }),
      entered: provisionSteps.map((step) => ({ step, unsettledUntil: 0 })),
    },
    phase: 'ready',
    alone: true,
  });
  let requests = 0;
  const ask = (state: GatewayState, request: { evict?: boolean; keyId?: string }) => {
    requests += 1;
    const whole = {
      kind: 'rotate',
      requestId: `r${requests}`,
      origin: 'test',
      place,
      reclaim: false,
      evict: false,
    } as const;
    checkRequest(state, { ...whole, ...request }, defaultLimits);
    acceptRequest(state, { ...whole, ...request }, 'abcdefghij', 'g42', 1_000);
    const begun = beginOperation(state, 1_000);
    const change = begun && changeIn(begun);
    if (!begun || change?.kind !== 'rotate') throw new Error('no rotation began');
    return { begun, change, steps: operationSteps(state, begun) };
  };
  const end = (state: GatewayState, begun: ReturnType<typeof ask>['begun'], outcome: OperationResult['outcome']) =>
    endOperation(state, begun, { outcome, reason: '', record: undefined, entered: [], skipped: [], left: [] }, 2_000);

  test('goes to another key with the next token and the next device, both burned first', () => {
    const state = ready();
    const { begun, change, steps } = ask(state, { keyId: second.id });
    expect(change).toMatchObject({ nextTokenGeneration: 2, nextDeviceGeneration: 2, nextKeyId: second.id });
    expect(steps).toEqual(rekeySteps);
    expect(state.life?.burned).toEqual({ token: 2, device: 2 });
    expect(state.life?.gateway).toEqual(life);
    end(state, begun, 'done');
    expect(state.life?.gateway).toEqual({ ...life, tokenGeneration: 2, deviceGeneration: 2, keyId: second.id });
    expect(state.life?.handOver).toMatchObject({ generation: 2 });
  });

  test('that went back names the previous key, and the next try burns on', () => {
    const state = ready();
    end(state, ask(state, { keyId: second.id }).begun, 'undone');
    expect(state.life?.gateway).toEqual(life);
    expect(ask(state, { keyId: second.id }).change).toMatchObject({ nextTokenGeneration: 3, nextDeviceGeneration: 3 });
  });

  test('stays with its key when that is the one asked for, or none is', () => {
    for (const request of [{ keyId: second.id }, {}]) {
      const { change, steps } = ask(ready({ keyId: second.id }), request);
      expect(change).not.toHaveProperty('nextKeyId');
      expect(change).toMatchObject({ nextDeviceGeneration: 1 });
      expect(steps).toEqual(rotateSteps);
    }
    expect(ask(ready(), { keyId: second.id, evict: true }).steps).toContain('evict devices');
    expect(refusal(() => ask(ready(), { keyId: 'no key' }))).toContain('malformed');
  });

  test('lets an earlier state go, in which a device of the old key is paired', () => {
    const former = { shelf: 'a', spec: testSpec, until: 9_000_000 } as const;
    const state = ready();
    if (state.life) state.life.former = former;
    end(state, ask(state, {}).begun, 'done');
    letGo(state, 2_000);
    expect(state.life?.former).toEqual(former);
    end(state, ask(state, { keyId: second.id }).begun, 'done');
    letGo(state, 2_000);
    expect(state.life?.former).toBeUndefined();
    expect(state.queue.map(({ kind }) => kind)).toEqual(['drop-snapshot']);
  });

  test('begins with the key that its request names; the same request with a newer key is the same', () => {
    const request: ProvisionRequest = {
      kind: 'provision',
      requestId: 'r',
      origin: 'test',
      spec: testSpec,
      place,
      birth: '7k3fq2',
      how: 'new',
    };
    const state = emptyState(1, 1_000);
    const accept = (over: Partial<ProvisionRequest>) => {
      checkRequest(state, { ...request, ...over }, defaultLimits);
      return acceptRequest(state, { ...request, ...over }, 'abcdefghij', 'g42', 1_000);
    };
    const asked = accept({ keyId: second.id });
    expect(state.life?.gateway).toEqual({ ...life, keyId: second.id });
    expect(accept({ keyId: third.id })).toEqual(asked);
    expect(state.life?.gateway.keyId).toBe(second.id);
    expect(() => checkRequest(emptyState(1, 1_000), { ...request, keyId: 'no key' }, defaultLimits)).toThrow(Refused);
  });

  test('a take-up names the key that was found, whatever its request proposed', () => {
    for (const [found, after] of [
      [{ tokenGeneration: 7 }, { ...life, tokenGeneration: 7 }],
      [
        { tokenGeneration: 7, keyId: second.id },
        { ...life, tokenGeneration: 7, keyId: second.id },
      ],
    ] as const) {
      const state = emptyState(1, 1_000);
      const request: ProvisionRequest = {
        kind: 'provision',
        requestId: 'r',
        origin: 'test',
        spec: testSpec,
        place,
        birth: '7k3fq2',
        how: 'take up',
        keyId: third.id,
      };
      acceptRequest(state, request, 'abcdefghij', 'g42', 1_000);
      const begun = beginOperation(state, 1_000);
      if (!begun) throw new Error('nothing began');
      const result = {
        outcome: 'done',
        reason: '',
        record: undefined,
        entered: [],
        skipped: [],
        left: [],
        ...found,
      } as const;
      endOperation(state, begun, result, 2_000);
      expect(state.life?.gateway).toEqual(after);
    }
  });
});

describe('the world', () => {
  let world: TestWorld;
  beforeEach(() => {
    world = openTestWorld();
  });
  afterEach(() => world.close());

  const under = (keys: DeploymentKeys, ring = ringOf(second, first)) =>
    createActivities({ ...world.deps, keys: ring, records: { ...world.deps.records, keys: async () => keys } });
  const both = announceKey(one, { id: second.id, check });

  test('begins no life with a key that is being replaced, or was; one that exists already goes on', async () => {
    const gateway = world.gateway('g42');
    for (const keys of [both, promoteKey(both, second.id)]) {
      await expect(under(keys).ensureHost(gateway)).rejects.toThrow(
        `nothing new is derived from master key ${first.id}: everything new of this deployment is derived from ${second.id}`,
      );
      await under(keys).ensureHost({ ...gateway, keyId: second.id });
    }
    expect(world.engine.leftovers()).toEqual([]);
    await world.activities.ensureState(gateway);
    await under(both).ensureHost(gateway);
    await expect(under(both, ringOf(first)).ensureHost({ ...gateway, keyId: second.id })).rejects.toThrow(NotYet);
  });

  test('derives no new generation from it either, and touches nothing without the next key', async () => {
    const gateway = world.gateway('g42');
    for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer', 'ensureOperator'] as const)
      await world.activities[step](gateway);
    const change: Rotation = {
      kind: 'rotate',
      nextTokenGeneration: 2,
      nextDeviceGeneration: 2,
      reclaim: false,
      evict: false,
      approved: [],
    };
    await expect(under(both).probeRotatable({ ...gateway, change })).rejects.toThrow(/nothing new is derived/);
    const changing = { ...gateway, change: { ...change, nextKeyId: second.id } };
    expect(await under(both).probeRotatable(changing)).toContain(`(key ${first.id}, from now on ${second.id})`);
    const lacking = under(both, ringOf(first));
    for (const step of ['probeRotatable', 'ensureToken', 'probeToken'] as const)
      await expect(lacking[step](changing)).rejects.toThrow(`master key ${second.id}, which this worker has not`);
    expect(await world.activities.findGateway(gateway)).toMatchObject({ keyId: first.id });
    await under(both).ensureToken(changing);
    expect(rotated(changing)).toMatchObject({ keyId: second.id });
  });

  test('says which key and generation a lost life is of, and which retired key would be', async () => {
    const gateway = { ...world.gateway('g42'), tokenGeneration: 3 };
    const write = async (ring: KeyRing, keyed: Gateway) => {
      const activities = under(one, ring);
      for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig'] as const) await activities[step](keyed);
    };
    await write(ringOf(first), gateway);
    expect(await under(one).findGeneration(gateway)).toBe(3);
    await write(ringOf(second, first), { ...gateway, keyId: second.id });
    expect(await under(one).findGeneration(gateway)).toEqual({ generation: 3, keyId: second.id });
    const promoted = promoteKey(both, second.id);
    const retired = new KeyRing(
      first.id,
      () => [third],
      () => [first, second],
    );
    await expect(under(promoted, retired).findGeneration(gateway)).rejects.toThrow(
      new RegExp(
        `derived from master key ${second.id}, which is retired.*master.key.retired-${second.id} as master.key.back`,
      ),
    );
    await expect(under(promoted, ringOf(third, first)).findGeneration(gateway)).rejects.toThrow(
      new RegExp(`never derived: it belongs to a retired key \\(${first.id}\\)`),
    );
  });
});

describe('the key files', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'creel-key-'));
    file = path.join(directory, 'master.key');
    createKey(file);
    createKey(nextKeyFile(file));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('are read newest first, and a ring of them names the first one not', () => {
    const [next, current] = openKeys(file);
    expect(openKey(file).id).toBe(current?.id);
    expect(openKey(nextKeyFile(file)).id).toBe(next?.id);
    const ring = openKeyRing(file, { keyId: current?.id ?? '', keyCheck: check });
    expect(ring.idOf({})).toBe(current?.id);
    expect(ring.all().map(({ id }) => id)).toEqual([next?.id, current?.id]);
  });

  test('change places, twice is once, and nothing is lost', async () => {
    const [next, current] = openKeys(file);
    const text = readFileSync(file, 'utf8');
    await promoteFile(file);
    await promoteFile(file);
    expect(openKeys(file)).toEqual([next]);
    expect(openRetiredKeys(file)).toEqual([current]);
    expect(readFileSync(`${file}.retired-${current?.id}`, 'utf8')).toBe(text);
    expect(existsSync(nextKeyFile(file))).toBe(false);
    renameSync(`${file}.retired-${current?.id}`, `${file}.back`);
    expect(openKeys(file)).toEqual([next, current]);
  });

  test('of a change that was cut short in the middle are whole, and the change goes on', async () => {
    const [next, current] = openKeys(file);
    linkSync(file, `${file}.retired-${current?.id}`);
    expect(openKeys(file)).toEqual([next, current]);
    await promoteFile(file);
    expect(openKeys(file)).toEqual([next]);
    expect(openRetiredKeys(file)).toEqual([current]);
  });

  test('that others can read, or are malformed, are refused, the next one too', () => {
    writeFileSync(nextKeyFile(file), 'abc123');
    expect(refusal(() => openKeys(file))).toMatch(/master\.key\.next: .*malformed/);
  });
});
