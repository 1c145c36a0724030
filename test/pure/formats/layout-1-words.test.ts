import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import type { ChannelKind } from '../../../src/domain/channels/channel.js';
import * as errors from '../../../src/domain/errors.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import type { GatewayRecord } from '../../../src/domain/gateway/reading.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import type { Models } from '../../../src/domain/models/models.js';
import type { Provider } from '../../../src/domain/models/provider.js';
import type { Replacement } from '../../../src/domain/changes/replacement.js';
import type { CarriedState1 } from '../../../src/workflows/record/carried-state-1.js';
import type { Former, Life } from '../../../src/workflows/record/life.js';
import { carry, type CarriedState } from '../../../src/workflows/record/carried-state.js';
import { readState } from '../../../src/workflows/record/read-state.js';
import { restoredFleet, type FleetState } from '../../../src/workflows/fleet/state.js';
import { fleetStatusQuery, fleetOrderUpdate, type FleetEndKind } from '../../../src/wire/fleet.js';
import { releaseUpdate } from '../../../src/wire/deployment-releases.js';
import { engineRenamedUpdate, engineUpdate } from '../../../src/wire/deployment-engines.js';
import * as workflows from '../../../src/workflows/index.js';
import { sweepQuery } from '../../../src/wire/sweep.js';
import { keyUpdate } from '../../../src/wire/deployment-keys.js';
import { phases } from '../../../src/wire/description.js';
import { metricNames } from '../../../src/wire/metrics.js';
import * as messages from '../../../src/wire/messages.js';
import { operationKinds, type OperationKind, type OperationOutcome } from '../../../src/wire/operation.js';
import type { ParkAnswer } from '../../../src/wire/park.js';
import type { Paid } from '../../../src/workflows/record/paid.js';
import * as steps from '../../../src/workflows/operations.js';
import { denySteps, pairSteps, unpairSteps } from '../../../src/workflows/pair/operation.js';
import { answeringSteps, provisionSteps } from '../../../src/workflows/provision/operation.js';
import { limitAndChannelSteps, limitSteps, reconfigureSteps } from '../../../src/workflows/reconfigure/operation.js';
import { asking, replacementOwns, rollbackSteps, upgradeSteps } from '../../../src/workflows/replace/operation.js';
import { evictSteps, rekeySteps, rotateSteps } from '../../../src/workflows/rotate/operation.js';
import { pairSenderSteps, unpairSenderSteps } from '../../../src/workflows/senders/operation.js';
import { suspendSteps } from '../../../src/workflows/suspend/operation.js';
import { openTestWorld, testSpec } from '../../world/open-test-world.js';

/*
 * The words of layout 1, written out: histories, records and operators' scripts quote them. One may be added; none may be renamed
 * or dropped. A removal undoes by the order of the steps that a record may hold.
 */

test('workflow types', () => {
  expect(Object.keys(workflows).toSorted()).toEqual([
    'callHeartbeat',
    'cleanUp',
    'denyDevice',
    'deployment',
    'dropSnapshot',
    'examineEngine',
    'exportRecords',
    'foreseeGateways',
    'gateway',
    'ledger',
    'listDevices',
    'listMachines',
    'offerMachine',
    'openGateway',
    'pairDevice',
    'pairSender',
    'probeGateway',
    'proveRestarted',
    'provision',
    'readLog',
    'reconcile',
    'reconfigureGateway',
    'renameEngine',
    'repair',
    'replaceContainer',
    'reportDrift',
    'resumeGateway',
    'rotateFleet',
    'rotateScheduled',
    'rotateToken',
    'searchLives',
    'suspendGateway',
    'sweep',
    'takeUp',
    'tellPerson',
    'tokenGateway',
    'unpairDevice',
    'unpairSender',
    'wayBack',
  ]);
});

test('activities', () => {
  const world = openTestWorld();
  onTestFinished(world.close);
  expect(Object.keys(world.activities).toSorted()).toEqual([
    'awaitNoOperations',
    'awaitRotation',
    'callHeartbeat',
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
    'ensureExtras',
    'ensureExtrasRehearsal',
    'ensureFirewall',
    'ensureHost',
    'ensureLimits',
    'ensureMachine',
    'ensureMachineAddress',
    'ensureMetadataFence',
    'ensureModelRehearsal',
    'ensureModels',
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
    'ensureSender',
    'ensureSenderShutOut',
    'ensureShutOut',
    'ensureState',
    'ensureStopped',
    'ensureSuspension',
    'ensureSwept',
    'ensureTaken',
    'ensureToken',
    'exportRecords',
    'findAttended',
    'findBought',
    'findCapacity',
    'findDevices',
    'findDrift',
    'findEngines',
    'findEvicted',
    'findFence',
    'findFleet',
    'findFleetPage',
    'findGateway',
    'findGeneration',
    'findKept',
    'findLives',
    'findLogLines',
    'findNewestKey',
    'findObstacles',
    'findOffer',
    'findPromised',
    'findProved',
    'findReconciled',
    'findReconfigured',
    'findReleaseImages',
    'findReplaced',
    'findRestarted',
    'findRoom',
    'findRotated',
    'findStrangers',
    'findSwept',
    'findUnchanged',
    'findUnlikeRecord',
    'findUnlikeRecordIn',
    'findUnowned',
    'findUnownedIn',
    'findWorkerFacts',
    'mintLink',
    'page',
    'probeAdmitted',
    'probeAnswer',
    'probeChannels',
    'probeCutOff',
    'probeDevices',
    'probeExtrasChangeable',
    'probeFence',
    'probeLimits',
    'probeMachine',
    'probeMachineOrder',
    'probeModels',
    'probeModelsChangeable',
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
    'probeSender',
    'probeSenderShutOut',
    'probeSuspendable',
    'probeSuspended',
    'probeToken',
    'probeTurn',
    'probeUnpairable',
    'probeWaitingSender',
    'removeApproval',
    'removeChannelRehearsal',
    'removeConfig',
    'removeContainer',
    'removeExtrasRehearsal',
    'removeMachine',
    'removeModelRehearsal',
    'removeNetwork',
    'removeRehearsal',
    'removeReplacement',
    'removeRoom',
    'removeRotationRehearsal',
    'removeSender',
    'removeState',
    'removeSuspension',
    'requestRepair',
    'requestRotation',
    'restoreAside',
    'restoreChannels',
    'restoreExtras',
    'restoreLimits',
    'restoreModels',
    'restoreToken',
    'revealToken',
    'surveyFleet',
    'withdrawRotation',
  ]);
});

test('steps, each with its activity and the one that undoes it', () => {
  const rows = Object.entries(steps.registry).map(([name, { do: act, undo }]) => [name, act, ...(undo ? [undo] : [])]);
  expect(rows.toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1))).toEqual([
    ['apply channels', 'ensureChannels', 'restoreChannels'],
    ['apply config', 'ensureExtras', 'restoreExtras'],
    ['apply limits', 'ensureLimits', 'restoreLimits'],
    ['apply models', 'ensureModels', 'restoreModels'],
    ['apply token', 'ensureToken', 'restoreToken'],
    ['approve device', 'ensureApproval', 'removeApproval'],
    ['approve sender', 'ensureSender', 'removeSender'],
    ['ask replacement', 'probeAnswer'],
    ['await device', 'probePaired'],
    ['await machine', 'probeMachine'],
    ['await readiness', 'probeReadiness'],
    ['await replacement', 'probeReplacement'],
    ['await request', 'probeRequest'],
    ['check admitted', 'probeAdmitted'],
    ['check channels', 'probeReconfigurable'],
    ['check config', 'probeExtrasChangeable'],
    ['check device', 'probeUnpairable'],
    ['check host', 'ensureHost'],
    ['check limits', 'probeLimits'],
    ['check machine', 'probeMachineOrder'],
    ['check models', 'probeModelsChangeable'],
    ['check pairing', 'probePairable'],
    ['check replacement', 'probeReplaceable'],
    ['check rotation', 'probeRotatable'],
    ['check sender', 'probeWaitingSender'],
    ['check suspension', 'probeSuspendable'],
    ['close sessions', 'ensureShutOut'],
    ['commit replacement', 'ensureCommitted'],
    ['create machine', 'ensureMachine', 'removeMachine'],
    ['cut off device', 'ensureCutOff'],
    ['drop snapshot', 'ensureDropped'],
    ['evict devices', 'ensureEvicted'],
    ['fence metadata', 'ensureMetadataFence'],
    ['fetch reader', 'ensureReader'],
    ['fetch release', 'ensureRelease'],
    ['fetch replacement', 'ensureNextRelease'],
    ['give address', 'ensureMachineAddress'],
    ['join network', 'ensureNetwork', 'removeNetwork'],
    ['keep running', 'ensureRestartPolicy'],
    ['keep state', 'ensureState', 'removeState'],
    ['list devices', 'findEvicted'],
    ['look again', 'findUnchanged'],
    ['make room', 'ensureRoom', 'removeRoom'],
    ['name devices', 'findStrangers'],
    ['pair operator', 'ensureOperator'],
    ['probe channels', 'probeChannels'],
    ['prove channels', 'probeReconfigured'],
    ['prove fence', 'probeFence'],
    ['prove models', 'probeModels'],
    ['prove refusal', 'probeRefusal'],
    ['prove removal', 'probeCutOff'],
    ['prove replacement', 'probeDevices'],
    ['prove sender', 'probeSender'],
    ['prove shut out', 'probeSenderShutOut'],
    ['prove stopped', 'probeSuspended'],
    ['prove token', 'probeToken'],
    ['prove turn', 'probeTurn'],
    ['read back', 'findGateway'],
    ['read kept', 'findKept'],
    ['read reconfigured', 'findReconfigured'],
    ['read replaced', 'findReplaced'],
    ['read rotated', 'findRotated'],
    ['rehearse channels', 'ensureChannelRehearsal', 'removeChannelRehearsal'],
    ['rehearse config', 'ensureExtrasRehearsal', 'removeExtrasRehearsal'],
    ['rehearse models', 'ensureModelRehearsal', 'removeModelRehearsal'],
    ['rehearse replacement', 'ensureRehearsal', 'removeRehearsal'],
    ['rehearse rotation', 'ensureRotationRehearsal', 'removeRotationRehearsal'],
    ['retire device', 'ensureRetired'],
    ['save state', 'ensureSaved'],
    ['set aside', 'ensureAside', 'restoreAside'],
    ['set firewall', 'ensureFirewall'],
    ['shut out sender', 'ensureSenderShutOut'],
    ['start container', 'ensureContainer', 'removeContainer'],
    ['start replacement', 'ensureReplacement', 'removeReplacement'],
    ['stop gateway', 'ensureSuspension', 'removeSuspension'],
    ['take state', 'ensureTaken'],
    ['turn down request', 'ensureDenial'],
    ['write config', 'ensureConfig', 'removeConfig'],
  ]);
});

test('the order in which a removal undoes what a record may hold', () => {
  const held: readonly string[] = [...provisionSteps, ...replacementOwns].toReversed();
  expect(steps.stepsOf('remove', held, false)).toEqual([
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
    'rehearse replacement',
    'make room',
    'start replacement',
  ]);
});

test('every kind of operation, the type of its run and the phase of its gateway', () => {
  const rows = steps.operations.map(({ kind, workflow, phase }) => [kind, workflow, phase]);
  expect(rows.toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1))).toEqual([
    ['change', 'replaceContainer', 'changing'],
    ['deny', 'denyDevice', 'pairing'],
    ['drop-snapshot', 'dropSnapshot', 'changing'],
    ['pair', 'pairDevice', 'pairing'],
    ['pair-sender', 'pairSender', 'pairing'],
    ['provision', 'provision', 'provisioning'],
    ['purge', 'cleanUp', 'removing'],
    ['reconfigure', 'reconfigureGateway', 'changing'],
    ['remove', 'cleanUp', 'removing'],
    ['repair', 'repair', 'repairing'],
    ['restore', 'repair', 'provisioning'],
    ['resume', 'resumeGateway', 'resuming'],
    ['rollback', 'replaceContainer', 'upgrading'],
    ['rotate', 'rotateToken', 'rotating'],
    ['suspend', 'suspendGateway', 'suspending'],
    ['take-up', 'takeUp', 'provisioning'],
    ['unpair', 'unpairDevice', 'pairing'],
    ['unpair-sender', 'unpairSender', 'pairing'],
    ['upgrade', 'replaceContainer', 'upgrading'],
    ['way-back', 'wayBack', 'repairing'],
  ]);
  const kinds = steps.operations.map(({ kind }) => kind).filter((kind) => kind !== 'reconfigure'); // no request, a change
  expect(kinds.toSorted()).toEqual([...operationKinds].toSorted());
});

test('which steps an operation goes through', () => {
  const toRemove = Object.keys(steps.registry);
  expect(steps.stepsOf('remove', toRemove.toReversed(), false)).toEqual(toRemove);
  expect(steps.stepsOf('remove', toRemove, true)).toEqual(
    toRemove.filter((name) => name !== 'keep state' && name !== 'create machine'),
  );
  expect(steps.stepsOf('purge', [], false)).toEqual(['keep state', 'write config']);
  const machine = { provider: 'lightsail', region: 'eu-central-1', address: 'static' } as const;
  expect(steps.stepsOf('purge', [], false, { machine })).toEqual(['create machine', 'keep state', 'write config']);
  expect(steps.stepsOf('provision', [], false, { machine }).slice(0, 7)).toEqual([
    'check machine',
    'create machine',
    'give address',
    'await machine',
    'set firewall',
    'fence metadata',
    'check host',
  ]);
  expect(replacementOwns).toEqual(['rehearse replacement', 'make room', 'start replacement']);
  expect(denySteps).toEqual(['turn down request']);
  expect(evictSteps).toEqual([
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
  expect(limitAndChannelSteps).toEqual([
    'check channels',
    'check limits',
    'rehearse channels',
    'apply limits',
    'apply channels',
    'prove channels',
    'read reconfigured',
  ]);
  const named = { kind: 'reconfigure', to: spec, models: 7 } as const;
  expect(steps.stepsOfChange({ ...named, channels: false })).toEqual([
    'check models',
    'rehearse models',
    'apply models',
    'prove models',
    'read reconfigured',
  ]);
  expect(steps.stepsOfChange({ ...named, channels: true, limits: true })).toEqual([
    'check channels',
    'check models',
    'check limits',
    'rehearse channels',
    'apply limits',
    'apply models',
    'apply channels',
    'prove channels',
    'prove models',
    'read reconfigured',
  ]);
  expect(steps.stepsOfChange({ kind: 'reconfigure', to: spec, channels: false, config: true })).toEqual([
    'check config',
    'rehearse config',
    'apply config',
    'read reconfigured',
  ]);
  expect(steps.stepsOfChange({ ...named, channels: true, limits: true, config: true })).toEqual([
    'check channels',
    'check models',
    'check config',
    'check limits',
    'rehearse config',
    'apply limits',
    'apply models',
    'apply config',
    'apply channels',
    'prove channels',
    'prove models',
    'read reconfigured',
  ]);
  expect(limitSteps).toEqual(['check limits', 'apply limits', 'read reconfigured']);
  expect(pairSteps).toEqual(['check pairing', 'await request', 'approve device', 'await device']);
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
  expect(answeringSteps.filter((step) => !provisionSteps.some((each) => each === step))).toEqual(['prove turn']);
  expect(answeringSteps.indexOf('prove turn')).toBe(provisionSteps.indexOf('keep running'));
  const models = { default: 'own/m', fallbacks: [], providers: [] };
  expect(asking(upgradeSteps, { ...testSpec })).toEqual(upgradeSteps);
  expect(asking(upgradeSteps, { ...testSpec, models }).slice(-4)).toEqual([
    'prove replacement',
    'ask replacement',
    'commit replacement',
    'read replaced',
  ]);
  expect(reconfigureSteps).toEqual([
    'check channels',
    'rehearse channels',
    'apply channels',
    'prove channels',
    'read reconfigured',
  ]);
  expect(rekeySteps).toEqual([
    'check rotation',
    'rehearse rotation',
    'apply token',
    'prove token',
    'prove refusal',
    'retire device',
    'name devices',
    'read rotated',
  ]);
  expect(rollbackSteps).toEqual([
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
  expect(rotateSteps).toEqual([
    'check rotation',
    'rehearse rotation',
    'apply token',
    'prove token',
    'prove refusal',
    'name devices',
    'read rotated',
  ]);
  expect(pairSenderSteps).toEqual(['check sender', 'approve sender', 'prove sender']);
  expect(unpairSenderSteps).toEqual(['check admitted', 'shut out sender', 'prove shut out']);
  expect(suspendSteps).toEqual(['check suspension', 'stop gateway', 'prove stopped']);
  expect(unpairSteps).toEqual(['check device', 'cut off device', 'prove removal']);
  expect(upgradeSteps).toEqual([
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
      fleetOrderUpdate,
      fleetStatusQuery,
      engineUpdate,
      keyUpdate,
      engineRenamedUpdate,
      messages.engineGoneSignal,
      releaseUpdate,
      messages.refusalQuery,
      messages.nextLogLinesUpdate,
      sweepQuery,
      messages.billUpdate,
      messages.inviteUpdate,
      messages.visitQuery,
      messages.letInUpdate,
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
    'update release',
    'query refusal',
    'update nextLogLines',
    'query sweep',
    'update bill',
    'update invite',
    'query visit',
    'update letIn',
  ]);
});

test('metrics', () => {
  expect(Object.values(metricNames)).toEqual([
    'creel_operations_total',
    'creel_operation_seconds',
    'creel_step_seconds',
    'creel_pages_total',
    'creel_gateways',
    'creel_gateways_attention',
    'creel_operations_open',
    'creel_parks_open',
    'creel_pages_open',
    'creel_counted_timestamp_seconds',
  ]);
});

test('phases', () => {
  expect(phases).toEqual([
    'queued',
    'provisioning',
    'adopting',
    'ready',
    'degraded',
    'repairing',
    'rotating',
    'pairing',
    'upgrading',
    'changing',
    'suspending',
    'suspended',
    'resuming',
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
    | 'pair-sender'
    | 'unpair-sender'
    | 'suspend'
    | 'resume'
  >();
  expectTypeOf<OperationOutcome>().toEqualTypeOf<'done' | 'degraded' | 'undone' | 'left' | 'stopped' | 'withdrawn'>();
  expectTypeOf<ParkAnswer>().toEqualTypeOf<'retry' | 'skip' | 'allow' | 'abort' | 'leave'>();
  expectTypeOf<FleetEndKind>().toEqualTypeOf<
    'done' | 'failed' | 'parked' | 'withdrawn' | 'refused' | 'gone' | 'not begun' | 'left out'
  >();
  expectTypeOf<ChannelKind>().toEqualTypeOf<'telegram' | 'discord' | 'slack' | 'whatsapp'>();
});

const provider: Required<Provider> = {
  id: 'anthropic',
  key: 'secret:anthropic-key',
  baseUrl: 'http://proxy.internal:4000',
  api: 'anthropic-messages',
  models: ['claude-opus-5'],
};
const models: Required<Models> = {
  default: 'anthropic/claude-opus-5',
  fallbacks: [],
  providers: [provider],
  proveTurn: false,
};
const spec: Required<GatewaySpec> = {
  release: '2026.9.6',
  dev: false,
  memoryMb: 2048,
  cpus: 2,
  diskMb: 10_240,
  keepStateMs: 1_209_600_000,
  parkMs: 0,
  channels: [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['5550001'] }],
  keepFormerMs: 604_800_000,
  rotation: 'scheduled',
  repair: 'scheduled',
  fence: 'off',
  models,
  config: { tools: { deny: ['browser'] } },
  timezone: 'Europe/Berlin',
  environment: { COMPANY_NAME: 'Example' },
  machine: { provider: 'lightsail', region: 'eu-central-1', size: 'medium_3_0', address: 'static' },
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
  model: 'anthropic/claude-opus-5',
  serves: ['telegram'],
  stateBytes: 1_288_490_188,
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

/** What belongs to the life of a record, and lay beside it in version 1. */
const lived: Required<Omit<Life, 'gateway' | 'former'>> = {
  entered: [{ step: 'check host', unsettledUntil: 0 }],
  record,
  skipped: ['probe channels'],
  left: [{ step: 'keep state', kind: 'Foreign', reason: 'r' }],
  stateKeptUntil: 0,
  resting: { phase: 'ready', reason: '' },
  burned: { token: 2, device: 1 },
  approved: ['d1'],
  backFrom: [{ step: 'set aside', unsettledUntil: 0 }],
  owed: upgrade,
  suspended: { since: 1_700_000_000_000, reason: 'unpaid' },
  handOver: { generation: 2, since: 1_700_000_000_000 },
  invitation: { digest: 'a'.repeat(64), until: 1_700_000_000_000, generation: 2, used: 1_700_000_000_000 },
  dropping: { former: '2026.6.11', failures: 1, again: 1_700_000_060_000, reason: 'r' },
  failed: { '2026.9.7': 1 },
  unsettledUntil: 1_700_000_090_000,
};
const former: Required<Former> = {
  shelf: 'b',
  spec,
  until: 1_700_604_800_000,
  evicted: true,
  lost: true,
};
const asked = { kind: 'rotate', requestId: 'r6', origin: 'o', reclaim: false, evict: true } as const;
const ended = [{ number: 4, kind: 'provision', birth: '7k3fq2', outcome: 'done', reason: '' }] as const;
const paid: Required<Paid> = {
  account: {
    subscription: 'sub_A',
    terms: { unpaidMs: 604_800_000, endedMs: 86_400_000 },
    heard: [{ id: '3xgaydm5b91p2ml86tp', at: 1_700_000_000_000, standing: 'active', plan: 'small', final: true }],
  },
  heardAt: 1_700_000_001_000,
  order: { spec, place: life.place, birth: '7k3fq2', keyId: 'df09de28' },
  orderedAt: 1_700_000_000_000,
  begun: true,
  suspendedFor: 1_700_000_000_000,
  again: 1_700_000_060_000,
  refused: 'r',
};
const version2: Required<CarriedState> = {
  version: 2,
  life: { gateway: life, ...lived, former },
  phase: 'upgrading',
  since: 1_700_000_000_000,
  reason: 'r',
  nextOperation: 13,
  queue: [
    { number: 6, kind: 'rotate', asked },
    { number: 7, kind: 'way-back', change: upgrade },
    { number: 8, kind: 'repair', engine: 'OGIG:VV7Y' },
    { number: 9, kind: 'take-up' },
    { number: 10, kind: 'remove', purge: false, engine: 'OGIG:VV7Y' },
    { number: 11, kind: 'remove', purge: true, gone: true },
    { number: 12, kind: 'purge', purge: true },
  ],
  running: { number: 5, kind: 'upgrade', change: upgrade },
  ended: [...ended],
  newRun: false,
  alone: true,
  paid,
  requests: ['3xgaydm5b91p2ml86tp 3xgaydm5b91p2ml86tq 4 loyw3v28 provision 7k3fq2 done'],
};

describe('what continue-as-new carries of a record, whole', () => {
  test('comes out as it went in, in version 2', () => {
    expect(carry(readState(structuredClone(version2)))).toEqual(version2);
  });

  test('goes on in version 2 where an older creel carried version 1', () => {
    const version1: Required<CarriedState1> = {
      version: 1,
      life,
      phase: 'upgrading',
      since: 1_700_000_000_000,
      reason: 'r',
      ...lived,
      kept: former,
      nextOperation: 13,
      queue: [
        { number: 6, kind: 'rotate', purge: false, asked },
        { number: 7, kind: 'way-back', purge: false, change: upgrade },
        { number: 8, kind: 'repair', purge: false, engine: 'OGIG:VV7Y' },
        { number: 9, kind: 'take-up', purge: false },
        { number: 10, kind: 'remove', purge: false, engine: 'OGIG:VV7Y' },
        { number: 11, kind: 'remove', purge: true, gone: true },
        { number: 12, kind: 'purge', purge: true },
      ],
      running: { number: 5, kind: 'upgrade', purge: false, change: upgrade },
      ended: [...ended],
      answered: [],
      newRun: false,
      alone: true,
      requests: version2.requests,
    };
    const { paid: _later, ...same } = version2;
    expect(carry(readState(structuredClone(version1)))).toEqual(same);
    expect(readState(structuredClone(version1))).toEqual(readState(structuredClone(same)));
  });

  test('goes on where the first creel carried whole requests', () => {
    const end = { kind: 'provision', birth: '7k3fq2', outcome: 'done' } as const;
    const answered = [{ requestId: 'r4', content: '{}', operation: 4, at: 1_700_000_000_000, end }];
    const { life: _life, requests: _lines, queue: _queue, running: _running, ...others } = version2;
    const carried = { ...others, ...lived, version: 1, life, queue: [], answered } as const;
    expect(carry(readState(carried)).requests).toEqual([expect.stringMatching(/ 4 loyw3v28 provision 7k3fq2 done$/)]);
  });
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
