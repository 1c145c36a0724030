import { TurnedDown } from '../../../client/failure.js';
import { durationText } from '../../../domain/amounts.js';
import { names } from '../../../domain/gateway/gateway.js';
import { replacementNames } from '../../../domain/changes/replacement.js';
import { keepStateMs } from '../../../domain/thresholds.js';
import type { Description } from '../../../wire/description.js';

/** What a removal would do, judged by the record alone. */
export type RemovalPlan = {
  readonly gateway: string;
  readonly birth: string;
  /** What stands on its engine and would go. */
  readonly goes: readonly string[];
  /** What would be kept, and how long; absent when nothing is. */
  readonly stays?: { readonly volume: string; readonly for: string };
  /** Operations that run or wait, and would be taken back. */
  readonly takenBack: readonly string[];
  readonly silence: string;
};

/** How a removal is asked for. */
type Wish = { readonly purge: boolean; readonly gone: boolean };

/** The plan of a removal, or `TurnedDown` where there is nothing that it would remove. */
export function removalPlan(told: Description, { purge, gone }: Wish): RemovalPlan {
  const { gateway, phase, life, stateKeptUntil, running, queue, former } = told;
  const isOver = phase === 'removed' || phase === 'none';
  if (!life || (isOver && stateKeptUntil === undefined))
    throw new TurnedDown(`${gateway} is removed already (${phase}): nothing of it is on record`, 'Refused');
  const { container, network, volume } = names(life.mark);
  const { savedStates } = replacementNames(life.mark);
  const birth = life.mark.birth;
  const takenBack = [running, ...queue].flatMap((each) => (each ? [`operation ${each.operation} (${each.kind})`] : []));
  if (gone) return { gateway, birth, goes: [], takenBack, silence: 'for good: it is gone with its engine' };
  if (stateKeptUntil !== undefined) {
    const kept = { volume, for: `until ${stateKeptUntil}` };
    const goes = purge ? [`volume ${volume}`] : [];
    return { gateway, birth, goes, ...(!purge && { stays: kept }), takenBack, silence: '0 s: it is removed already' };
  }
  const keeps = !purge && life.spec.keepStateMs > 0;
  return {
    gateway,
    birth,
    goes: [
      `container ${container}`,
      `network ${network}`,
      ...(former
        ? [`the state of release ${former.release} that was kept (${Object.values(savedStates).join(' or ')})`]
        : []),
      ...(keeps ? [] : [`volume ${volume}, the customer's state`]),
    ],
    ...(keeps && { stays: { volume, for: durationText(life.spec.keepStateMs) } }),
    takenBack,
    silence: 'for good',
  };
}

/** The plan of a removal of a life whose record was lost: what bears its names, wherever that is. */
export function lostRemovalPlan(gateway: string, birth: string, purge: boolean): RemovalPlan {
  const { container, network, volume } = names({ gateway, birth });
  return {
    gateway,
    birth,
    goes: [
      `container ${container}`,
      `network ${network}`,
      ...(purge ? [`volume ${volume}, the customer's state`] : []),
    ],
    ...(!purge && { stays: { volume, for: durationText(keepStateMs) } }),
    takenBack: [],
    silence: 'for good',
  };
}

/** A plan as people read it. */
export function removalPlanText({ gateway, birth, goes, stays, takenBack, silence }: RemovalPlan): string {
  const kept = stays
    ? [
        `  stays       volume ${stays.volume}, ${stays.for}: \`creel provision ${gateway} --restore\` takes it up, \`creel remove ${gateway} --purge\` lets it go`,
      ]
    : [];
  return [
    `remove ${gateway} (birth ${birth}) would`,
    ...goes.map((each) => `  remove      ${each}`),
    ...(goes.length === 0 ? ['  remove      nothing'] : []),
    ...kept,
    ...takenBack.map((each) => `  take back   ${each}`),
    `  silent for  ${silence}`,
    'nothing was touched; what is on the engine is looked at by the removal itself',
  ].join('\n');
}
