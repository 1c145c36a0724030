import { expect, expectTypeOf, onTestFinished, test } from 'vitest';
import type { ChannelKind } from '../../../src/domain/channels/channel.js';
import * as errors from '../../../src/domain/errors.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import type { GatewayRecord } from '../../../src/domain/gateway/reading.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import type { Replacement } from '../../../src/domain/changes/replacement.js';
import { carry, restored, type CarriedState } from '../../../src/workflows/record/carried-state.js';
import { restoredFleet, type FleetState } from '../../../src/workflows/fleet/state.js';
import { fleetStatusQuery, fleetWordUpdate, type FleetEndKind } from '../../../src/wire/fleet.js';
import { engineRenamedUpdate, engineUpdate } from '../../../src/wire/deployment-engines.js';
import * as workflows from '../../../src/workflows/index.js';
import { keyUpdate } from '../../../src/wire/deployment-keys.js';
import { phases } from '../../../src/wire/description.js';
import * as messages from '../../../src/wire/messages.js';
import type { OperationKind, OperationOutcome } from '../../../src/wire/operation.js';
import type { ParkAnswer } from '../../../src/wire/park.js';
import * as steps from '../../../src/workflows/operations.js';
import { openTestWorld } from '../../world/open-test-world.js';

/*
 * The words of layout 1, written out: histories, records and operators' scripts quote them. One may be added; none may be renamed,
 * dropped or moved. A removal undoes by the order of the steps.
 */

test('workflow types', () => {
  expect(Object.keys(workflows).toSorted()).toEqual([
    'cleanUp',
    'denyDevice',
    'deployment',
    'dropSnapshot',
    'gateway',
    'listDevices',
    'openGateway',
    'pairDevice',
    'probeGateway',
    'provision',
    'reconfigureGateway',
    'renameEngine',
    'repair',
    'replaceContainer',
    'rotateFleet',
    'rotateToken',
    'searchLives',
    'takeUp',
    'tellPerson',
    'tokenGateway',
    'unpairDevice',
    'wayBack',
  ]);
});

test('activities', () => {
  const world = openTestWorld();
  onTestFinished(world.close);
  expect(Object.keys(world.activities).toSorted()).toEqual([
    'awaitNoOperations',
    'awaitRotation',
    'ensureApproval',
    'ensureAside',
    'ensureChannelRehearsal',
    'ensureChannels',
    'ensureCommitted',
    'ensureConfig',
    'ensureContainer',
    'ensureCutOff',
    'ensureDenial',
    'ensureDropped',
    'ensureEvicted',
    'ensureHost',
    'ensureLimits',
    'ensureNetwork',
    'ensureNextRelease',
    'ensureOperator',
    'ensureReader',
    'ensureRehearsal',
    'ensureRelease',
    'ensureRenamed',
    'ensureReplacement',
    'ensureRestartPolicy',
    'ensureRetired',
    'ensureRoom',
    'ensureRotationRehearsal',
    'ensureSaved',
    'ensureShutOut',
    'ensureState',
    'ensureTaken',
    'ensureToken',
    'findDevices',
    'findEngines',
    'findEvicted',
    'findFleet',
    'findFleetPage',
    'findGateway',
    'findGeneration',
    'findKept',
    'findLives',
    'findReconfigured',
    'findReplaced',
    'findRotated',
    'findStrangers',
    'findUnchanged',
    'mintLink',
    'page',
    'probeChannels',
    'probeCutOff',
    'probeDevices',
    'probeLimits',
    'probePairable',
    'probePaired',
    'probeReadiness',
    'probeReconfigurable',
    'probeReconfigured',
    'probeRefusal',
    'probeReplaceable',
    'probeReplacement',
    'probeRequest',
    'probeRotatable',
    'probeToken',
    'probeUnpairable',
    'removeApproval',
    'removeChannelRehearsal',
    'removeConfig',
    'removeContainer',
    'removeNetwork',
    'removeRehearsal',
    'removeReplacement',
    'removeRoom',
    'removeRotationRehearsal',
    'removeState',
    'requestRotation',
    'restoreAside',
    'restoreChannels',
    'restoreLimits',
    'restoreToken',
    'revealToken',
    'surveyFleet',
    'withdrawRotation',
  ]);
});

test('steps in their order, each with its activity and the one that undoes it', () => {
  const rows = Object.entries(steps.registry).map(([name, { do: act, undo }]) => [name, act, ...(undo ? [undo] : [])]);
  expect(rows).toEqual([
    ['check host', 'ensureHost'],
    ['fetch release', 'ensureRelease'],
    ['keep state', 'ensureState', 'removeState'],
    ['join network', 'ensureNetwork', 'removeNetwork'],
    ['write config', 'ensureConfig', 'removeConfig'],
    ['start container', 'ensureContainer', 'removeContainer'],
    ['await readiness', 'probeReadiness'],
    ['pair operator', 'ensureOperator'],
    ['probe channels', 'probeChannels'],
    ['keep running', 'ensureRestartPolicy'],
    ['read back', 'findGateway'],
    ['check rotation', 'probeRotatable'],
    ['apply token', 'ensureToken', 'restoreToken'],
    ['prove token', 'probeToken'],
    ['prove refusal', 'probeRefusal'],
    ['list devices', 'findEvicted'],
    ['close sessions', 'ensureShutOut'],
    ['evict devices', 'ensureEvicted'],
    ['retire device', 'ensureRetired'],
    ['name devices', 'findStrangers'],
    ['read rotated', 'findRotated'],
    ['check pairing', 'probePairable'],
    ['await request', 'probeRequest'],
    ['approve device', 'ensureApproval', 'removeApproval'],
    ['await device', 'probePaired'],
    ['turn down request', 'ensureDenial'],
    ['check device', 'probeUnpairable'],
    ['cut off device', 'ensureCutOff'],
    ['prove removal', 'probeCutOff'],
    ['check replacement', 'probeReplaceable'],
    ['fetch replacement', 'ensureNextRelease'],
    ['rehearse replacement', 'ensureRehearsal', 'removeRehearsal'],
    ['make room', 'ensureRoom', 'removeRoom'],
    ['set aside', 'ensureAside', 'restoreAside'],
    ['save state', 'ensureSaved'],
    ['take state', 'ensureTaken'],
    ['start replacement', 'ensureReplacement', 'removeReplacement'],
    ['await replacement', 'probeReplacement'],
    ['prove replacement', 'probeDevices'],
    ['commit replacement', 'ensureCommitted'],
    ['read replaced', 'findReplaced'],
    ['check channels', 'probeReconfigurable'],
    ['apply channels', 'ensureChannels', 'restoreChannels'],
    ['prove channels', 'probeReconfigured'],
    ['read reconfigured', 'findReconfigured'],
    ['check limits', 'probeLimits'],
    ['apply limits', 'ensureLimits', 'restoreLimits'],
    ['rehearse rotation', 'ensureRotationRehearsal', 'removeRotationRehearsal'],
    ['rehearse channels', 'ensureChannelRehearsal', 'removeChannelRehearsal'],
    ['drop snapshot', 'ensureDropped'],
    ['look again', 'findUnchanged'],
    ['fetch reader', 'ensureReader'],
    ['read kept', 'findKept'],
  ]);
});

test('which steps an operation goes through', () => {
  const toRemove = Object.keys(steps.registry);
  expect(steps.stepsOf('remove', toRemove.toReversed(), false)).toEqual(toRemove);
  expect(steps.stepsOf('remove', toRemove, true)).toEqual(toRemove.filter((name) => name !== 'keep state'));
  expect(steps.stepsOf('purge', [], false)).toEqual(['keep state', 'write config']);
  expect(steps.replacementOwns).toEqual(['rehearse replacement', 'make room', 'start replacement']);
  expect(steps.denySteps).toEqual(['turn down request']);
  expect(steps.evictSteps).toEqual([
    'check rotation',
    'rehearse rotation',
    'apply token',
    'prove token',
    'prove refusal',
    'list devices',
    'close sessions',
    'evict devices',
    'name devices',
    'read rotated',
  ]);
  expect(steps.limitAndChannelSteps).toEqual([
    'check channels',
    'check limits',
    'rehearse channels',
    'apply limits',
    'apply channels',
    'prove channels',
    'read reconfigured',
  ]);
  expect(steps.limitSteps).toEqual(['check limits', 'apply limits', 'read reconfigured']);
  expect(steps.pairSteps).toEqual(['check pairing', 'await request', 'approve device', 'await device']);
  expect(steps.provisionSteps).toEqual([
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
  expect(steps.reconfigureSteps).toEqual([
    'check channels',
    'rehearse channels',
    'apply channels',
    'prove channels',
    'read reconfigured',
  ]);
  expect(steps.rekeySteps).toEqual([
    'check rotation',
    'rehearse rotation',
    'apply token',
    'prove token',
    'prove refusal',
    'retire device',
    'name devices',
    'read rotated',
  ]);
  expect(steps.rollbackSteps).toEqual([
    'check replacement',
    'fetch replacement',
    'rehearse replacement',
    'make room',
    'set aside',
    'save state',
    'take state',
    'start replacement',
    'await replacement',
    'prove replacement',
    'commit replacement',
    'read replaced',
  ]);
  expect(steps.rotateSteps).toEqual([
    'check rotation',
    'rehearse rotation',
    'apply token',
    'prove token',
    'prove refusal',
    'name devices',
    'read rotated',
  ]);
  expect(steps.unpairSteps).toEqual(['check device', 'cut off device', 'prove removal']);
  expect(steps.upgradeSteps).toEqual([
    'check replacement',
    'fetch replacement',
    'rehearse replacement',
    'make room',
    'set aside',
    'save state',
    'start replacement',
    'await replacement',
    'prove replacement',
    'commit replacement',
    'read replaced',
  ]);
});

test('updates, queries and signals', () => {
  expect(
    [
      messages.requestUpdate,
      messages.replyUpdate,
      messages.withdrawUpdate,
      messages.standingQuery,
      messages.describeQuery,
      messages.placedSignal,
      messages.parkedSignal,
      messages.replySignal,
      messages.beingRemovedSignal,
      messages.handedOverSignal,
      messages.continueAsNewSignal,
      fleetWordUpdate,
      fleetStatusQuery,
      engineUpdate,
      keyUpdate,
      engineRenamedUpdate,
      messages.engineGoneSignal,
    ].map(({ type, name }) => `${type} ${name}`),
  ).toEqual([
    'update request',
    'update reply',
    'update withdraw',
    'query standing',
    'query describe',
    'signal placed',
    'signal parked',
    'signal reply',
    'signal beingRemoved',
    'signal handedOver',
    'signal continueAsNew',
    'update word',
    'query status',
    'update engine',
    'update key',
    'update engineRenamed',
    'signal engineGone',
  ]);
});

test('phases', () => {
  expect(phases).toEqual([
    'queued',
    'provisioning',
    'ready',
    'degraded',
    'repairing',
    'rotating',
    'pairing',
    'upgrading',
    'changing',
    'parked',
    'removing',
    'removed',
    'none',
  ]);
});

test('kinds of failure', () => {
  const kinds = [errors.NotYet, errors.Away, errors.Refused, errors.Foreign, errors.Bug, errors.StartOver];
  expect(kinds.map((Kind) => new Kind('').name)).toEqual([
    'NotYet',
    'NotYet',
    'Refused',
    'Foreign',
    'Bug',
    'StartOver',
  ]);
  expect(errors.finalKinds).toEqual(['Refused', 'Foreign', 'Bug', 'StartOver']);
});

test('kinds and outcomes of operations, answers to a parked one, ends in a fleet, kinds of channel: by their types', () => {
  expectTypeOf<OperationKind>().toEqualTypeOf<
    | 'provision'
    | 'repair'
    | 'restore'
    | 'take-up'
    | 'remove'
    | 'purge'
    | 'rotate'
    | 'pair'
    | 'deny'
    | 'unpair'
    | 'upgrade'
    | 'rollback'
    | 'change'
    | 'drop-snapshot'
    | 'way-back'
  >();
  expectTypeOf<OperationOutcome>().toEqualTypeOf<'done' | 'degraded' | 'undone' | 'left' | 'stopped' | 'withdrawn'>();
  expectTypeOf<ParkAnswer>().toEqualTypeOf<'retry' | 'skip' | 'allow' | 'abort' | 'leave'>();
  expectTypeOf<FleetEndKind>().toEqualTypeOf<
    'done' | 'failed' | 'parked' | 'withdrawn' | 'refused' | 'gone' | 'not begun' | 'left out'
  >();
  expectTypeOf<ChannelKind>().toEqualTypeOf<'telegram' | 'discord' | 'slack'>();
});

const spec: Required<GatewaySpec> = {
  release: '2026.9.6',
  dev: false,
  memoryMb: 2048,
  cpus: 2,
  keepStateMs: 1_209_600_000,
  parkMs: 0,
  channels: [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['5550001'] }],
  keepFormerMs: 604_800_000,
  rotation: 'scheduled',
};
const life: Required<Gateway> = {
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place: { provider: 'local', host: 'local', engine: 'OGIG:VV7Y' },
  spec,
  tokenGeneration: 2,
  deviceGeneration: 1,
  keyId: 'df09de28',
  replacement: 4,
  underway: { number: 5, save: 'a' },
};
const record: Required<GatewayRecord> = {
  version: '2026.9.6',
  imageId: 'sha256:ab',
  containerId: 'c0',
  network: 'oc-g42-7k3fq2',
  subnet: '10.213.33.0/28',
  port: 19_628,
  volume: 'oc-g42-7k3fq2-state',
  operatorScopes: ['operator.admin'],
  channels: 'telegram connected',
  connected: true,
  egress: 'reaches the internet',
  keyId: 'df09de28',
  provedAt: '2026-11-21T07:57:30.000Z',
  runsOn: 'Docker 28.2.2',
  findings: ['gateway.port'],
};
const upgrade: Required<Replacement> = {
  kind: 'upgrade',
  number: 5,
  to: spec,
  save: 'a',
  take: 'b',
  takenChannels: spec.channels,
  readyMs: 90_000,
};

test('what continue-as-new carries of a record, whole, comes out as it went in', () => {
  const whole: Required<CarriedState> = {
    version: 1,
    life,
    phase: 'upgrading',
    since: 1_700_000_000_000,
    reason: 'r',
    entered: [{ step: 'check host', unsettledUntil: 0 }],
    record,
    skipped: ['probe channels'],
    left: [{ step: 'keep state', kind: 'Foreign', reason: 'r' }],
    stateKeptUntil: 0,
    nextOperation: 7,
    queue: [
      {
        number: 6,
        kind: 'rotate',
        purge: false,
        asked: { kind: 'rotate', requestId: 'r6', origin: 'o', reclaim: false, evict: true },
      },
    ],
    running: { number: 5, kind: 'upgrade', purge: false, change: upgrade },
    ended: [{ number: 4, kind: 'provision', birth: '7k3fq2', outcome: 'done', reason: '' }],
    answered: [],
    resting: { phase: 'ready', reason: '' },
    burned: { token: 2, device: 1 },
    approved: ['d1'],
    backFrom: [{ step: 'set aside', unsettledUntil: 0 }],
    owed: upgrade,
    handOver: { generation: 2, since: 1_700_000_000_000 },
    kept: { shelf: 'b', spec, until: 1_700_604_800_000, evicted: true, lost: true },
    dropping: { former: '2026.6.11', failures: 1, again: 1_700_000_060_000, reason: 'r' },
    failed: { '2026.9.7': 1 },
    unsettledUntil: 1_700_000_090_000,
    newRun: false,
    alone: true,
    requests: ['3xgaydm5b91p2ml86tp 3xgaydm5b91p2ml86tq 4 loyw3v28 provision 7k3fq2 done'],
  };
  expect(carry(restored(structuredClone(whole)))).toEqual(whole);
});

test('what continue-as-new carries of a run over the fleet, whole, comes out as it went in', () => {
  const whole: Required<FleetState> = {
    version: 1,
    size: 3,
    waiting: [{ gateway: 'g1', birth: '7k3fq2', place: life.place }],
    open: [{ gateway: 'g2', birth: '7k3fq2', place: life.place, latestStart: 1_700_000_000_000 }],
    ends: [{ gateway: 'g3', end: 'done', reason: '' }],
    counts: { done: 1 },
    paused: false,
    stopped: { outcome: 'aborted', reason: 'r' },
    look: {
      after: 'a',
      silent: 0,
      mute: [{ gateway: 'g4', reason: 'r' }],
      first: { gateway: 'g1', birth: '7k3fq2', place: life.place },
    },
    pages: { after: 'b', canary: 'g3' },
  };
  expect(restoredFleet(structuredClone(whole))).toEqual(whole);
});
