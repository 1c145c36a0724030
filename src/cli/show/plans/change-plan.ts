import { TurnedDown } from '../../../client/failure.js';
import { changedSpec, sameSpec, type GatewaySpec } from '../../../domain/gateway/spec.js';
import { changeWays, type ChangeWay } from '../../../domain/changes/reconfiguration.js';
import type { RollbackRequest, ReshapeRequest, RotateRequest, UpgradeRequest } from '../../../wire/change-requests.js';
import type { Description } from '../../../wire/description.js';
import { evictSteps, rotateSteps } from '../../../workflows/rotate/operation.js';
import { asking, rollbackSteps, upgradeSteps } from '../../../workflows/replace/operation.js';
import { stepsOfChange } from '../../../workflows/operations.js';

type Bare<R> = Omit<R, 'requestId' | 'origin' | 'place'>;

/** A change that can be looked at before it is asked for. */
export type Planned = Bare<RotateRequest> | Bare<UpgradeRequest> | Bare<RollbackRequest> | Bare<ReshapeRequest>;

/** What a change would do, judged by the record alone. */
export type ChangePlan = {
  readonly gateway: string;
  readonly change: Planned['kind'];
  readonly ways: readonly (ChangeWay | 'token by the gateway')[];
  readonly to: GatewaySpec;
  /** What starts on a copy of the state before the gateway is touched. */
  readonly rehearsed: string;
  /** How long the gateway is unreachable. */
  readonly silence: string;
  readonly steps: readonly string[];
};

const byRelease = 'nothing, where its release takes this up while it runs; otherwise the restart, before it is made';
const restart =
  '0 s, where its release takes this up while it runs; otherwise one stop and one start, some ten seconds';
const replacement =
  'one stop and one start, some twelve seconds, and the time in which its state is copied; as long again if it goes back';

/** How long a gateway is unreachable while it is changed in these ways. */
export function silenceOf(ways: ChangePlan['ways']): string {
  if (ways.includes('new container')) return replacement;
  return ways.some((way) => way.endsWith('by the gateway')) ? restart : '0 s';
}

/** The plan of a change, or `TurnedDown` in the words in which the gateway would refuse it. */
export function changePlan(told: Description, wish: Planned): ChangePlan {
  const { gateway, phase, life } = told;
  if (!life || ['removed', 'none'].includes(phase))
    throw new TurnedDown(`${gateway} does not run (${phase}). \`creel provision\` begins one`, 'Refused');
  if (wish.kind === 'change') return reshapePlan(gateway, life.spec, wish);
  if (wish.kind === 'rotate') {
    const [ways, steps] = [['token by the gateway'] as const, wish.evict ? evictSteps : rotateSteps];
    return { gateway, change: wish.kind, ways, to: life.spec, rehearsed: byRelease, silence: silenceOf(ways), steps };
  }
  const release = wish.kind === 'upgrade' ? wish.release : told.former?.release;
  if (release === undefined || (wish.kind === 'rollback' && told.former?.lost))
    throw new TurnedDown('no earlier release is kept: there is nothing to go back to', 'Refused');
  if (wish.kind === 'upgrade' && release === life.spec.release)
    throw new TurnedDown(`it runs release ${release} already`, 'Refused');
  const kept = wish.kind === 'rollback' ? ' that was kept with it' : '';
  return {
    gateway,
    change: wish.kind,
    ways: ['new container'],
    to: { ...life.spec, release },
    rehearsed: `release ${release} starts on a copy of the state${kept}; where the host has no room, it only converts and checks the copy`,
    silence: silenceOf(['new container']),
    steps: asking<string>(wish.kind === 'upgrade' ? upgradeSteps : rollbackSteps, life.spec),
  };
}

function reshapePlan(gateway: string, spec: GatewaySpec, wish: Bare<ReshapeRequest>): ChangePlan {
  const to = changedSpec(spec, wish);
  const channels = wish.channels !== undefined;
  const models = wish.models !== undefined;
  if (!wish.renew && !channels && !models && sameSpec(to, spec))
    throw new TurnedDown('it has what is asked for already', 'Refused');
  const ways = changeWays(spec, to, wish);
  const limits = ways.includes('limits by the engine');
  const config = ways.includes('config by the gateway');
  const change = {
    kind: 'reconfigure',
    to,
    channels,
    ...(limits && { limits }),
    ...(models && { models: 0 }),
    ...(config && { config }),
  } as const;
  const isNew = ways.includes('new container');
  const steps = isNew ? asking<string>(upgradeSteps, to) : stepsOfChange(change);
  const started =
    'the release starts with the next settings on a copy of the state; where the host has no room, it checks it';
  const others = channels || models ? byRelease : 'nothing: nothing starts';
  const rehearsed = config || isNew ? started : others;
  return { gateway, change: 'change', ways, to, rehearsed, silence: silenceOf(ways), steps };
}

/** How a change reaches a gateway, as people read it. */
export const sayings: Readonly<Record<ChangePlan['ways'][number], string>> = {
  'new container': 'a new container, proved before the former one is let go',
  'limits by the engine':
    'its engine gives the container that runs other limits; its heap follows more memory at its next start',
  'channels by the gateway': 'the channels go into its own config; the container stays',
  'models by the gateway': 'the models go into its own config, their keys into a file beside it; the container stays',
  'config by the gateway':
    'what it says goes into its own config, once the release has started with it on a copy; the container stays',
  'token by the gateway': 'the next token goes into its own config; the container stays',
  'record only': 'only the record changes; the container stays',
};

/** A plan as people read it. */
export function changePlanText({ gateway, change, ways, to, rehearsed, silence, steps }: ChangePlan): string {
  const needsContainer = ways.includes('new container');
  return [
    `${change} ${gateway} would come to: release ${to.release}, ${to.memoryMb} MB, ${to.cpus} cpus, channels ${to.channels.map(({ kind }) => kind).join(', ') || 'none'}, model ${to.models?.default ?? 'none'}`,
    `  new container  ${needsContainer ? 'yes' : 'no'}`,
    ...ways.map((way) => `  how            ${sayings[way]}`),
    `  rehearsed      ${rehearsed}`,
    `  silent for     ${silence}`,
    `  steps          ${steps.join(' · ') || 'none'}`,
    'nothing was touched; what the host and the image say is asked by the first step',
  ].join('\n');
}
