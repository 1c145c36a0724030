import type { Changing } from '../../domain/gateway/changing.js';
import { Refused } from '../../domain/errors.js';
import { changedSpec, sameSpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import { changeWays, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import type { Replacement } from '../../domain/changes/replacement.js';
import type { ReshapeRequest } from '../../wire/change-requests.js';
import { change } from '../record/operation.js';
import type { Life } from '../record/life.js';
import { askedIn } from '../record/queued.js';
import { takeNumber, type GatewayState } from '../record/state.js';
import type { StepsTaking } from '../saga/step.js';
import {
  applyReplacement,
  asking,
  beginReplacement,
  checkReady,
  replacementRows,
  upgradeSteps,
} from '../replace/operation.js';

/** Other channels, taken up by the container that there is and proved. */
export const reconfigureSteps = [
  'check channels',
  'rehearse channels',
  'apply channels',
  'prove channels',
  'read reconfigured',
] as const;

/** Other limits, given by the engine to the container that there is. */
export const limitSteps = ['check limits', 'apply limits', 'read reconfigured'] as const;

/** Both: the limits first, because a release that restarts for its channels starts with them. */
export const limitAndChannelSteps = [
  'check channels',
  'check limits',
  'rehearse channels',
  'apply limits',
  'apply channels',
  'prove channels',
  'read reconfigured',
] as const;

/**
 * Another config, and whatever else is asked for with it. The models come first, because their former keys are kept
 * before anything restarts; the channels last, whose proof wants all of it.
 */
function configSteps({ channels, limits, models }: Reconfiguration): readonly ReconfigureStep[] {
  return [
    ...(channels ? (['check channels'] as const) : []),
    ...(models === undefined ? [] : (['check models'] as const)),
    'check config',
    ...(limits ? (['check limits'] as const) : []),
    'rehearse config',
    ...(limits ? (['apply limits'] as const) : []),
    ...(models === undefined ? [] : (['apply models'] as const)),
    'apply config',
    ...(channels ? (['apply channels', 'prove channels'] as const) : []),
    ...(models === undefined ? [] : (['prove models'] as const)),
    'read reconfigured',
  ];
}

/** Other models, and whatever else is asked for with them: the models first, because their former keys are kept before anything restarts. */
function modelSteps({ channels, limits }: Reconfiguration): readonly ReconfigureStep[] {
  return [
    ...(channels ? (['check channels'] as const) : []),
    'check models',
    ...(limits ? (['check limits'] as const) : []),
    channels ? 'rehearse channels' : 'rehearse models',
    ...(limits ? (['apply limits'] as const) : []),
    'apply models',
    ...(channels ? (['apply channels', 'prove channels'] as const) : []),
    'prove models',
    'read reconfigured',
  ];
}

const reconfigureRows = {
  'check channels': { do: 'probeReconfigurable', pace: 'act', once: true }, // only reads
  'check config': { do: 'probeExtrasChangeable', pace: 'act', once: true }, // only reads
  'check models': { do: 'probeModelsChangeable', pace: 'act', once: true }, // only reads
  'rehearse channels': { do: 'ensureChannelRehearsal', undo: 'removeChannelRehearsal', pace: 'wait' },
  'rehearse models': { do: 'ensureModelRehearsal', undo: 'removeModelRehearsal', pace: 'wait' },
  'rehearse config': { do: 'ensureExtrasRehearsal', undo: 'removeExtrasRehearsal', pace: 'wait' },
  'apply config': { do: 'ensureExtras', undo: 'restoreExtras', pace: 'wait', once: true },
  'apply models': { do: 'ensureModels', undo: 'restoreModels', pace: 'wait', once: true },
  'apply channels': { do: 'ensureChannels', undo: 'restoreChannels', pace: 'wait', once: true },
  'prove channels': { do: 'probeReconfigured', pace: 'wait', once: true }, // only reads
  'prove models': { do: 'probeModels', pace: 'wait', once: true, attempts: 5 }, // its session goes again; each try may cost a turn
  'read reconfigured': { do: 'findReconfigured', pace: 'act', once: true }, // only reads
  'check limits': { do: 'probeLimits', pace: 'act', once: true }, // only reads
  'apply limits': { do: 'ensureLimits', undo: 'restoreLimits', pace: 'act', once: true },
} as const satisfies StepsTaking<Changing<Reconfiguration>>;

type ReconfigureStep = keyof typeof reconfigureRows;

/** Another spec for the same release, as it is asked for. A new container comes of it only where an older creel began it. */
export const reshape = change<ReshapeRequest, Replacement, keyof typeof replacementRows, Reconfiguration>({
  kind: 'change',
  workflow: 'replaceContainer',
  phase: 'changing',
  steps: replacementRows,
  list: ({ to }: Replacement) => asking(upgradeSteps, to),
  check: checkReshape,
  plan: planReshape,
  apply: applyReplacement,
});

/** What comes of it since: the container that there is has another spec, or only the record. Never asked for by this name. */
export const reconfigure = change({
  kind: 'reconfigure',
  workflow: 'reconfigureGateway',
  phase: 'changing',
  steps: reconfigureRows,
  list: (wanted: Reconfiguration) => {
    const { channels, limits, models } = wanted;
    if (wanted.config) return configSteps(wanted);
    if (models !== undefined) return modelSteps(wanted);
    if (limits) return channels ? limitAndChannelSteps : limitSteps;
    return channels ? reconfigureSteps : [];
  },
  apply: applyReconfiguration,
});

const nothing = 'it has what is asked for already';

function checkReshape(request: ReshapeRequest, { gateway }: Life): void {
  checkReady(request.readyMs);
  if (![undefined, true].includes(request.renew)) throw new Refused('renew must be true, or left out');
  if (comesToNothing(gateway.spec, request)) throw new Refused(nothing);
}

/** Another spec for the same release, taken up by the container that there is. What an older creel began goes by a new one. */
function planReshape(
  state: GatewayState,
  life: Life,
  asked: ReshapeRequest,
  _now: number,
  number: number,
): Replacement | Reconfiguration | string {
  const { spec } = life.gateway;
  if (comesToNothing(spec, asked)) return nothing;
  const to = changedSpec(spec, asked);
  const channels = asked.channels !== undefined;
  const ways = changeWays(spec, to, asked);
  const limits = ways.includes('limits by the engine');
  if (ways.includes('new container') || (limits && !asked.live))
    return { kind: 'change', to, ...beginReplacement(state, life, asked.readyMs) };
  const models = asked.models !== undefined && { models: takeNumber(state) };
  const config = ways.includes('config by the gateway') && { config: true as const };
  return { kind: 'reconfigure', to, channels, ...(limits && { limits }), ...models, ...config, number };
}

/** Whether what begins next gives a gateway other limits. */
export function asksForLimits({ queue: [next] }: GatewayState): boolean {
  const asked = next && askedIn(next);
  return asked?.kind === 'change' && (asked.memoryMb !== undefined || asked.cpus !== undefined);
}

/** What begins next is to reach the container that there is. */
export function askLive(state: GatewayState): void {
  const [next, ...rest] = state.queue;
  if (next && 'asked' in next && next.asked.kind === 'change')
    state.queue = [{ ...next, asked: { ...next.asked, live: true } }, ...rest];
}

/** The spec on record is what was asked for. */
function applyReconfiguration(_state: GatewayState, life: Life, { to }: Reconfiguration): void {
  life.gateway = { ...life.gateway, spec: to };
}

/** Channels and models that are named are always taken up anew: a stored secret may be another one under the same name. */
function comesToNothing(spec: GatewaySpec, asked: ReshapeRequest): boolean {
  if (asked.renew) return false;
  return asked.channels === undefined && asked.models === undefined && sameSpec(changedSpec(spec, asked), spec);
}
