import { copiedLabel } from '../../../src/activities/parts/only-copy.js';
import { describe, expect, test } from 'vitest';
import { copierLabels } from '../../../src/domain/changes/copying.js';
import { gatewayContainer } from '../../../src/domain/gateway/container.js';
import {
  birthFrom,
  gatewayPlace,
  layout,
  markLabels,
  names,
  readMark,
  type Gateway,
  type Mark,
} from '../../../src/domain/gateway/gateway.js';
import { gatewaySpec } from '../../../src/domain/gateway/spec.js';
import { keysOf } from '../../../src/domain/keys/deployment-keys.js';
import { KeyRing } from '../../../src/domain/keys/key-ring.js';
import { replacementLabel, replacementNames } from '../../../src/domain/changes/replacement.js';
import { readStateMark, stateMarkPath, writeStateMark } from '../../../src/domain/gateway/state-mark.js';
import { slotsFor } from '../../../src/domain/hosts/slot.js';
import {
  previousKeysFile,
  previousTokensFile,
  openPreviousKeys,
  sealPreviousKeys,
} from '../../../src/domain/keys/previous-keys.js';
import {
  previousKeysKey,
  gatewayToken,
  keyCheck,
  masterKey,
  operatorDevice,
  secretStoreKey,
} from '../../../src/domain/keys/token.js';
import {
  deploymentWorkflowId,
  engineQueue,
  renamedWorkflowId,
  restartWorkflowId,
  gatewayWorkflowId,
  lookWorkflowId,
  operationPrefix,
  operationWorkflowId,
  taskQueue,
  waitsQueue,
} from '../../../src/wire/ids.js';
import { tokenReference, tokensFile, tokensText, tokenStore } from '../../../src/domain/channels/tokens.js';
import { Secret } from '../../../src/domain/secret.js';
import { providersKept, takenBackFile, takenBackText } from '../../../src/domain/keys/taken-back.js';
import { withRenamed } from '../../../src/domain/hosts/deployment-engines.js';
import { engineRenamedUpdate, engineUpdate } from '../../../src/wire/deployment-engines.js';
import { engineGoneSignal, placedSignal } from '../../../src/wire/messages.js';
import { nextTurns } from '../../../src/domain/fleet/order.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { carry } from '../../../src/workflows/record/carried-state.js';
import { readState } from '../../../src/workflows/record/read-state.js';
import { newFleet } from '../../../src/workflows/fleet/state.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { listMemoOf } from '../../../src/workflows/record/list-memo.js';
import type { GatewayRecord } from '../../../src/domain/gateway/reading.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { searchAttributeKeys } from '../../../src/wire/search-attributes.js';
import { readWritten, writtenFile, writtenText } from '../../../src/domain/gateway/written-config.js';

/*
 * Layout 1, frozen. Gateways, volumes and histories in the world carry these values. A value here that no longer comes out
 * means that a newer creel has lost what an older one made: a change is a new layout beside this one, never an edit of this file.
 */

const key = masterKey('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n');
const mark: Mark = { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 };
const gateway: Gateway = {
  mark,
  place: { provider: 'local', host: 'local' },
  spec: gatewaySpec({
    release: '2026.9.6',
    dev: false,
    memoryMb: 2048,
    cpus: 2,
    keepStateMs: 1_209_600_000,
    parkMs: 0,
    channels: [],
  }),
  tokenGeneration: 1,
  deviceGeneration: 1,
};

test('this is layout 1', () => {
  expect(layout).toBe(1);
});

describe('layout 1 derives from the master key', () => {
  test('its public id', () => {
    expect(key.id).toBe('df09de28');
  });

  test('nothing else for a record that names no key: it is of the deployment’s first one, whatever came after', () => {
    const later = masterKey('cd'.repeat(32));
    const ring = new KeyRing(key.id, () => [later, key]);
    expect(ring.token(gateway).reveal()).toBe('g3n4WFSqFCfmZxFp1Z1IJjCHDw3tGEWxtKkUR5G1uGQ');
    expect(ring.device(gateway).id).toBe('49f4e992604de619d12138a5d45c1674e4d967ba1de2f16c0fc9cb569ea33d67');
    expect(ring.token({ ...gateway, keyId: later.id }).reveal()).toBe(gatewayToken(later, mark, 1).reveal());
    expect(keysOf({ keyId: key.id, keyCheck: '17fe1cb8b5eb63915371f768d1fc8bc6' })).toEqual([
      { id: 'df09de28', check: '17fe1cb8b5eb63915371f768d1fc8bc6', state: 'current' },
    ]);
  });

  test('what a namespace remembers of it', () => {
    expect(keyCheck(key, 'abcdefghij')).toBe('17fe1cb8b5eb63915371f768d1fc8bc6');
  });

  test('the key of the secret store', () => {
    expect(secretStoreKey(key, 'abcdefghij').toString('hex')).toBe(
      '2136135ca38732d2d74d92242c06cb389e93e7211c2c4f9581cdf52cd2138f6e',
    );
  });

  test.each([
    [1, 'g3n4WFSqFCfmZxFp1Z1IJjCHDw3tGEWxtKkUR5G1uGQ'],
    [2, 'DtjGuYRefXlkL-Ja6VLEfP-ArYDhsm9Bly7bwBLBSzU'],
    [1001, 'foBUYL5eTRWUbOHC6Eg70U87byVRkQmprUWcLSdqQWQ'],
  ])('the gateway token of generation %i (S0-6, S0-7)', (generation, token) => {
    expect(gatewayToken(key, mark, generation).reveal()).toBe(token);
  });

  test.each([
    {
      generation: 1,
      id: '49f4e992604de619d12138a5d45c1674e4d967ba1de2f16c0fc9cb569ea33d67',
      publicKey: 'ekI829hWYKZubyKIBXiGxrSwgRjetbgJicgVk4xWL4s',
      signature: 'Cvg-A9KOEHodc7jiNuDJ0HjiDKT_I_Lhm8tmqBFB00PuE65puT2i_bGOsbZb4QYERJIeKKKS4Epej7WvBvQJDg',
    },
    {
      generation: 2,
      id: 'b6a456c71406ad360c261a0fd3ddb51cbcae0cd6b6e27ac4d92ae445b3fa1754',
      publicKey: 'mVQSwjZYtdvSe2EGLQbzn-0gEgL3mOtB3zlvnUkmU_Y',
      signature: 'cevagLeYIYPN6CzaHtqhlODG0RLM2LJjPpe4qI2fKZePVN4VuErDmdBDpdzCA7VJ5K0o_dLD5KVCzsXfcxvqDQ',
    },
  ])('the operator device of generation $generation', ({ generation, id, publicKey, signature }) => {
    const device = operatorDevice(key, mark, generation);
    expect(device).toMatchObject({ id, publicKey });
    expect(device.sign('creel layout 1')).toBe(signature);
  });

  test('something else for each part of the mark, and for token and device', () => {
    const others: Mark[] = [
      mark,
      { ...mark, deployment: 'abcdefghik' },
      { ...mark, gateway: 'g43' },
      { ...mark, birth: '7k3fq3' },
      { ...mark, gateway: 'g4', birth: '27k3fq2' },
    ];
    const derived = others.flatMap((each) => [
      gatewayToken(key, each, 1).reveal(),
      operatorDevice(key, each, 1).publicKey,
    ]);
    expect(new Set(derived).size).toBe(2 * others.length);
  });
});

describe('layout 1 names', () => {
  test('a birth', () => {
    expect(birthFrom(Uint8Array.from([0xde, 0xad, 0xbe, 0xef, 0x01, 0x23]))).toBe('8p8rbd');
    expect(birthFrom(Uint8Array.from([0, 1, 31, 32, 128, 255, 7]))).toBe('ab9aa9');
  });

  test('what a gateway has on its engine', () => {
    expect(names(mark)).toEqual({
      container: 'oc-g42-7k3fq2',
      hostname: 'oc-g42-7k3fq2',
      network: 'oc-g42-7k3fq2',
      volume: 'oc-g42-7k3fq2-state',
      writer: 'oc-g42-7k3fq2-write',
    });
  });

  test('what a replacement of its container has beside that', () => {
    expect(replacementNames(mark)).toEqual({
      former: 'oc-g42-7k3fq2-old',
      copier: 'oc-g42-7k3fq2-copy',
      rehearsal: 'oc-g42-7k3fq2-try',
      trial: 'oc-g42-7k3fq2-trial',
      savedStates: { a: 'oc-g42-7k3fq2-snap-a', b: 'oc-g42-7k3fq2-snap-b' },
    });
    expect([replacementLabel, copiedLabel]).toEqual(['creel.replacement', 'creel.copied']);
  });

  test('which way a copier goes, and what a state says of itself', () => {
    expect(copierLabels('restore', { 'creel.replacement': '7' }, 'oc-g42-7k3fq2-snap-a')).toEqual({
      'creel.replacement': '7',
      'creel.copy': 'restore',
      'creel.copy.from': 'oc-g42-7k3fq2-snap-a',
    });
    const text = '{"birth":"7k3fq2","copy":"a/7","release":"2026.9.6","whole":false}';
    expect(stateMarkPath).toBe('/home/node/.openclaw/.creel-state.json');
    expect(writeStateMark({ birth: '7k3fq2', release: '2026.9.6', copy: 'a/7', whole: false })).toBe(text);
    expect(readStateMark(text)).toEqual({ birth: '7k3fq2', release: '2026.9.6', copy: 'a/7', whole: false });
    for (const other of [undefined, '', 'x', '[]', '{"whole":true}']) expect(readStateMark(other)).toBeUndefined();
  });

  test('whose it is (S4-24)', () => {
    const labels = {
      'creel.deployment': 'abcdefghij',
      'creel.gateway': 'g42',
      'creel.birth': '7k3fq2',
      'creel.layout': '1',
    };
    expect(markLabels(mark)).toEqual(labels);
    expect(readMark(labels)).toEqual(mark);
  });

  test('the order in which a gateway tries subnets and ports', () => {
    const slots = [...slotsFor({ cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 }, 'oc-g42-7k3fq2')];
    expect(slots.slice(0, 2)).toEqual([
      { subnet: '10.213.33.0/28', port: 19_628 },
      { subnet: '10.213.33.16/28', port: 19_629 },
    ]);
    expect(slots.at(-1)).toEqual({ subnet: '10.213.32.240/28', port: 19_627 });
  });

  test('workflows and their queue', () => {
    expect([
      taskQueue,
      deploymentWorkflowId,
      gatewayWorkflowId('g42'),
      operationPrefix('g42'),
      operationWorkflowId('g42', '7k3fq2', 12, 'provision'),
      lookWorkflowId('g42', '7k3fq2', 'probe', 'n0nce'),
    ]).toEqual([
      'creel',
      'deployment',
      'gateway/g42',
      'gateway/g42/',
      'gateway/g42/7k3fq2/12-provision',
      'gateway/g42/7k3fq2/probe-n0nce',
    ]);
  });

  test('the queues of an engine, and those for waits', () => {
    expect(engineQueue('OGIG:VV7Y')).toBe('creel@OGIG:VV7Y');
    expect(waitsQueue(engineQueue('OGIG:VV7Y'))).toBe('creel@OGIG:VV7Y/waits');
    expect(waitsQueue(taskQueue)).toBe('creel/waits');
    expect(placedSignal.name).toBe('placed');
    expect(engineUpdate.name).toBe('engine');
    expect(engineRenamedUpdate.name).toBe('engineRenamed');
    expect(engineGoneSignal.name).toBe('engineGone');
    expect(renamedWorkflowId('OGIG:VV7Y')).toBe('engine/OGIG:VV7Y/renamed');
    expect(restartWorkflowId('OGIG:VV7Y', '2026-01-02T03:04:05Z')).toBe(
      'engine/OGIG:VV7Y/restart-2026-01-02T03:04:05Z',
    );
    const engines = withRenamed(
      [
        { engine: 'OGIG:VV7Y', host: 'a' },
        { engine: 'NEW1', host: 'a' },
      ],
      {
        former: 'OGIG:VV7Y',
        engine: 'NEW1',
      },
    );
    expect(engines).toEqual([{ engine: 'NEW1', host: 'a', was: ['OGIG:VV7Y'] }]);
  });

  test('a place, which names its engine from the first operation on', () => {
    expect(gatewayPlace({ provider: 'local', host: 'local' })).toEqual({ provider: 'local', host: 'local' });
    const whole = { provider: 'local', host: 'local', engine: 'OGIG:VV7Y' };
    expect(gatewayPlace(whole)).toEqual(whole);
    const bought = { provider: 'lightsail', region: 'eu-central-1', host: 'oc-g42-7k3fq2', engine: whole.engine };
    expect(gatewayPlace(bought)).toEqual(bought);
    for (const wrong of [
      { ...bought, region: 'nowhere' },
      { ...bought, region: undefined },
      { ...bought, provider: 'x' },
    ])
      expect(() => gatewayPlace(wrong)).toThrow(/is unknown: it must name/);
  });

  test('search attributes', () => {
    expect(searchAttributeKeys.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'GatewayId KEYWORD',
      'GatewayBirth KEYWORD',
      'GatewayPhase KEYWORD',
      'GatewayRelease KEYWORD',
      'GatewayHost KEYWORD',
      'OperationKind KEYWORD',
      'NeedsAttention BOOL',
      'PhaseSince DATETIME',
      'GatewayRegion KEYWORD',
      'TokenGeneration INT',
    ]);
  });
});

test('layout 1 says this in the memo of a gateway', () => {
  const state = { ...emptyState(3, 1_700_000_000_000), life: newLife(gateway), phase: 'removed' as const };
  expect(listMemoOf(state)).toEqual({ proved: null, fleet: { birth: '7k3fq2', place: gateway.place } });
  const spec = { ...gateway.spec, rotation: 'scheduled' as const, diskMb: 10_240 };
  const queue = [{ number: 2, kind: 'remove' as const, purge: false }];
  const known = newLife({ ...gateway, spec, keyId: 'df09de28' });
  const provedAt = '2026-11-21T07:57:30.000Z';
  const record = { provedAt } as GatewayRecord;
  const life = { ...known, record, stateKeptUntil: 1_700_000_000_000 };
  const whole = { ...state, life, queue, phase: 'ready' as const };
  expect(listMemoOf(whole)).toEqual({
    proved: provedAt,
    fleet: {
      birth: '7k3fq2',
      place: gateway.place,
      rotation: 'scheduled',
      diskMb: 10_240,
      keyId: 'df09de28',
      removing: true,
      stateKeptUntil: '2023-11-14T22:13:20.000Z',
    },
  });
});

describe('layout 1 lists', () => {
  test('the steps of a provision, in order', () => {
    expect(provisionSteps).toEqual([
      'check host',
      'fetch release',
      'keep state',
      'join network',
      'write config',
      'start container',
      'await readiness',
      'pair operator',
      'probe channels',
      'keep running',
      'read back',
    ]);
  });

  test('the fields of the state that continue-as-new carried in version 1, which is read for ever', () => {
    const carried = {
      version: 1,
      life: undefined,
      phase: 'none',
      since: 1_700_000_000_000,
      reason: '',
      entered: [],
      record: undefined,
      skipped: [],
      left: [],
      stateKeptUntil: 0,
      nextOperation: 3,
      queue: [],
      running: undefined,
      ended: [],
      answered: [],
      newRun: false,
      alone: false,
    } as const;
    expect(readState(carried)).toEqual(emptyState(3, 1_700_000_000_000));
  });

  test('the fields of the state that continue-as-new carries, version 2', () => {
    const carried = {
      version: 2,
      phase: 'none',
      since: 1_700_000_000_000,
      reason: '',
      nextOperation: 3,
      queue: [],
      ended: [],
      requests: [],
      newRun: false,
      alone: false,
    } as const;
    expect(carry(emptyState(3, 1_700_000_000_000))).toEqual(carried);
    expect(readState(carried)).toEqual(emptyState(3, 1_700_000_000_000));
  });
});

describe('layout 1 carries', () => {
  test('what a record remembers of its requests, one a line', () => {
    const at = 1_700_000_000_000;
    const state = emptyState(1, at);
    const place = { provider: 'local', host: 'local' } as const;
    const request = { kind: 'remove', requestId: 'r1', origin: 'o', purge: false, place } as const;
    acceptRequest(state, request, 'abcdefghij', 'g42', at);
    const [open = ''] = carry(state).requests;
    expect(open).toMatch(/^3xgaydm5b91p2ml86tp [0-9a-z]{19} 1 loyw3v28$/);
    const ended = `${open} remove 7k3fq2 done`;
    const { answered } = readState({ ...carry(state), requests: [ended] });
    expect(answered).toMatchObject([{ operation: 1, at, end: { kind: 'remove', birth: '7k3fq2', outcome: 'done' } }]);
    expect(carry(readState({ ...carry(state), requests: [ended] })).requests).toEqual([ended]);
  });

  test('how far a run over the fleet is', () => {
    expect(newFleet()).toEqual({
      version: 1,
      size: 0,
      waiting: [],
      open: [],
      ends: [],
      counts: {},
      paused: false,
      look: { after: '', silent: 0, mute: [] },
    });
  });

  test('whose turn it is in a run over the fleet', () => {
    const { ids, after } = nextTurns({ run: '2026-11', after: '', limit: 2 }, ['a', 'b', 'c']);
    expect({ ids, after }).toEqual({
      ids: ['c', 'b'],
      after: '330ace7e4f1d810e5f0553e1e5c1e0430b250dfc7d7c1d08f3ecbfe4e1c979d1',
    });
  });
});

test('layout 1 asks for this container, with no secret in it (S4-13, S4-14, S0-23, S0-26, S4-26, S4-27, S3-20, S3-28)', () => {
  const imageId = `sha256:${'ab'.repeat(32)}`;
  expect(gatewayContainer(gateway, imageId, 19_123)).toEqual({
    name: 'oc-g42-7k3fq2',
    hostname: 'oc-g42-7k3fq2',
    imageId,
    labels: {
      'creel.deployment': 'abcdefghij',
      'creel.gateway': 'g42',
      'creel.birth': '7k3fq2',
      'creel.layout': '1',
      'creel.release': '2026.9.6',
      'creel.shape': `{"cpus":2,"imageId":"${imageId}","memoryMb":2048,"port":19123}`,
    },
    command: ['node', 'openclaw.mjs', 'gateway'],
    environment: { HOME: '/home/node' },
    memoryMb: 2048,
    cpus: 2,
    network: 'oc-g42-7k3fq2',
    publish: { hostIp: '127.0.0.1', hostPort: 19_123, port: 18_789 },
    volume: { name: 'oc-g42-7k3fq2-state', target: '/home/node/.openclaw' },
    tmpfs: {
      '/tmp': 'rw,nosuid,nodev,mode=1777',
      '/home/node/.cache': 'rw,uid=1000,gid=1000,mode=700',
    },
    restartPolicy: 'no',
    health: {
      command: [
        'node',
        '-e',
        "fetch('http://127.0.0.1:18789/healthz').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))",
      ],
      intervalMs: 30_000,
      timeoutMs: 5_000,
      startPeriodMs: 45_000,
      retries: 5,
    },
  });
});

test('the keys that a gateway goes back to, sealed in its state for one operation of one life', () => {
  const mark = { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 } as const;
  const key = previousKeysKey(masterKey('ab'.repeat(32)), mark);
  expect(key.toString('hex')).toBe('eb1b2815aae9ebbc5aaa8c7d3649d0403afeb28163f678b9f47806de26f13026');
  const kept = { operation: 7, file: '{"anthropic":"sk-one"}\n', own: { openai: 'openai:manual' } };
  const text = sealPreviousKeys(key, kept);
  expect(previousKeysFile).toBe('.creel-former-keys.json');
  expect(text).toMatch(/^\{"layout":1,"operation":7,"sealed":"[A-Za-z0-9+/=]+"\}\n$/);
  expect(openPreviousKeys(key, 7, text)).toEqual(kept);
  const sealed =
    'BwcHBwcHBwcHBwcH565EVDdpFLRVnCn4EPYKLEOf6YXc3UQlHNeQAEQ0+NtlmLxSH4ztmZeajzD1pC53b+SifLH0dt0pGg66/NyjkjiJW42yBO/JzH7OEcIP7THRzZnRr2AZ3Q==';
  expect(openPreviousKeys(key, 7, JSON.stringify({ layout: 1, operation: 7, sealed }))).toEqual(kept); // by the first creel
  const other = previousKeysKey(masterKey('ab'.repeat(32)), { ...mark, birth: '8k3fq2' });
  for (const [opening, operation, torn] of [
    [other, 7, text],
    [key, 8, text],
    [key, 8, text.replace('"operation":7', '"operation":8')],
    [key, 7, text.slice(0, -20)],
    [key, 7, undefined],
  ] as const)
    expect(openPreviousKeys(opening, operation, torn)).toBeUndefined();
});

test('what marks, in the state, a key that a change took back', () => {
  const key = previousKeysKey(masterKey('ab'.repeat(32)), {
    deployment: 'abcdefghij',
    gateway: 'g42',
    birth: '7k3fq2',
    layout: 1,
  });
  expect(takenBackFile).toBe('.creel-taken-back.json');
  const text = takenBackText(
    key,
    undefined,
    { anthropic: 'sk-two', openai: 'o' },
    { anthropic: 'sk-one', openai: 'o' },
  );
  expect(text).toBe('{"layout":1,"marks":["f8bdffb56c675205a492cd9a8147af11"]}\n');
  const keptOf = (wanted: string, marks: string | undefined = text) =>
    providersKept(key, marks, { anthropic: wanted, openai: 'o' }, { anthropic: 'sk-one', openai: 'o' });
  expect(keptOf('sk-two')).toEqual(['anthropic']);
  for (const wanted of ['sk-one', 'sk-three']) expect(keptOf(wanted)).toEqual([]);
  for (const forged of [
    undefined,
    '',
    'no JSON',
    '{"layout":2,"marks":["f8bdffb56c675205a492cd9a8147af11"]}',
    '{"layout":1,"marks":[1,null,{}]}',
  ])
    expect(providersKept(key, forged, { anthropic: 'sk-two' }, { anthropic: 'sk-one' })).toEqual([]);
  expect(takenBackText(key, text, { anthropic: 'sk-one' }, { anthropic: 'sk-one' })).toBe(text);
  expect(takenBackText(key, text, { anthropic: 'sk-two' }, { anthropic: 'sk-one' })).toBe(text);
  const many = Array.from({ length: 30 }).reduce<string | undefined>(
    (before, _each, index) => takenBackText(key, before, { anthropic: `sk-${index}` }, {}),
    text,
  );
  expect(JSON.parse(many ?? '').marks).toHaveLength(20);
});

test('where the tokens of channels lie in the state, and how a config refers to them', () => {
  expect([tokensFile, tokenStore, previousTokensFile]).toEqual([
    'secrets/channel-tokens.json',
    'creel-channels',
    '.creel-former-tokens.json',
  ]);
  expect(tokenReference('slack', 'appToken')).toEqual({
    source: 'file',
    provider: 'creel-channels',
    id: '/slack.appToken',
  });
  const secrets = { botToken: new Secret('one'), appToken: new Secret('two') };
  const slack = { kind: 'slack', secrets: { botToken: 'secret:b', appToken: 'secret:a' }, allowFrom: [] } as const;
  expect(tokensText([{ channel: slack, secrets }])).toBe('{"slack.botToken":"one","slack.appToken":"two"}\n');
});

test('what creel remembers of a config, beside it in the state', () => {
  const telegram = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['5550001'] } as const;
  const text =
    '{"layout":1,"channels":[{"kind":"telegram","secrets":{"botToken":"secret:bot"},"allowFrom":["5550001"]}],"origins":["http://127.0.0.1:19100"]}\n';
  expect(writtenFile).toBe('.creel-config.json');
  const written = { channels: [telegram], origins: ['http://127.0.0.1:19100'], models: [], config: [] };
  expect(writtenText(written)).toBe(text);
  expect(readWritten(text)).toEqual(written);
  const provider = { id: 'anthropic', key: 'secret:anthropic-key' };
  const models = [{ default: 'anthropic/claude-opus-5', fallbacks: [], providers: [provider] }];
  const more = `${text.slice(0, -2)},"models":[{"default":"anthropic/claude-opus-5","fallbacks":[],"providers":[{"id":"anthropic","key":"secret:anthropic-key"}]}]}\n`;
  expect(writtenText({ ...written, models })).toBe(more);
  expect(readWritten(more)).toEqual({ ...written, models });
  const config = [{ tools: { deny: ['browser'] }, session: { idleMinutes: 30 } }];
  const most = `${more.slice(0, -2)},"config":[{"tools":{"deny":["browser"]},"session":{"idleMinutes":30}}]}\n`;
  expect(writtenText({ ...written, models, config })).toBe(most);
  expect(readWritten(most)).toEqual({ ...written, models, config });
});
