import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Place } from '../../domain/hosts/place.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { describeLives, type Life } from '../../domain/gateway/life.js';
import type { Limits } from '../../wire/limits.js';
import type { Attempted, Entered, OperationInput, OperationResult } from '../../wire/operation.js';
import { askPolicy, onEngine } from '../saga/policies.js';
import { runOperation } from '../saga/run-operation.js';
import { takeSeat } from '../saga/seat.js';
import type { Steps } from '../saga/step.js';
import { machineStep, stateStep } from './operation.js';
import { lookEverywhere } from '../saga/whereabouts.js';

export type SearchInput = {
  readonly deployment: string;
  readonly gateway: string;
  readonly place: Place;
  readonly limits: Limits;
  /** On every engine beside which a worker stands; absent in what older versions began. */
  readonly everywhere?: true;
};

type Asking = {
  [K in 'findLives' | 'findGeneration']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

/** Goes on with a life whose record was lost: finds out what it holds, then repairs it like any other. */
export async function takeUpLost(steps: Steps, input: OperationInput): Promise<OperationResult> {
  const seat = await takeSeat(steps, input);
  if ('result' in seat) throw refusal(seat.result.reason, [...input.entered]);
  return takeUpOn(steps, seat.input);
}

async function takeUpOn(steps: Steps, { seek, ...input }: OperationInput): Promise<OperationResult> {
  const { mark, place } = input.gateway;
  const asking = ask(input.limits, place);
  const entered = [...input.entered];
  try {
    const lives =
      (seek && !input.kept) ||
      (await asking.findLives({ deployment: mark.deployment, gateway: mark.gateway, place })).value;
    const life = lives === true || lives.find(({ birth }) => birth === mark.birth);
    if (!life) throw refusal(`no life of ${mark.gateway} with birth ${mark.birth} is on host ${place.host}`, entered);
    const { value: found } = await asking.findGeneration(input.gateway);
    const { keyId: _proposed, ...lost } = input.gateway;
    const { generation, keyId, savedBy, saved } = typeof found === 'number' ? { generation: found } : found;
    const gateway = { ...lost, tokenGeneration: generation, ...(keyId !== undefined && { keyId }) };
    if (input.kept && life !== true && isState(mark, life))
      return { ...nothing('done', ''), entered: withState(gateway, []), ...held(generation, keyId), kept: true };
    const extra = { ...(savedBy !== undefined && { savedBy }), ...(saved && { saved }) };
    return await runOperation(steps, { ...input, gateway, entered: withState(gateway, entered) }, async (saga) => ({
      ...(await saga.repair()),
      ...extra,
    }));
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure)
      throw refusal(error.cause.message, entered);
    throw error;
  }
}

/** What is left of a removed gateway: whatever was more than its state, and what reads in it, went before the removal ended. */
function isState(mark: Gateway['mark'], { resources }: Life): boolean {
  return resources.every((each) => each.startsWith('volume ') || each === `container ${names(mark).writer}`);
}

function held(tokenGeneration: number, keyId: string | undefined): Pick<OperationResult, 'tokenGeneration' | 'keyId'> {
  return { tokenGeneration, ...(keyId !== undefined && { keyId }) };
}

/** Whatever there is of a life came after its state, which is made first and goes last; but for its own machine, if it has one. */
function withState({ spec }: Gateway, entered: readonly Entered[]): Entered[] {
  const first: readonly string[] = spec.machine ? [machineStep, stateStep] : [stateStep];
  return [
    ...first.map((step) => ({ step, unsettledUntil: 0 })),
    ...entered.filter(({ step }) => !first.includes(step)),
  ];
}

/** A removal of a gateway without a record: done when the host holds nothing of it, otherwise it names the lives that it found. */
export async function searchLives(input: SearchInput): Promise<OperationResult> {
  if (input.everywhere) return searchEverywhere(input);
  const { value: lives } = await ask(input.limits, input.place).findLives(input);
  if (lives.length === 0) return nothing('done', `nothing of ${input.gateway} is on host ${input.place.host}`);
  throw refusal(describeLives(input.gateway, lives), []);
}

/** What was asked and what was not is said: an engine beside which no worker stands may hold what nobody knows of. */
async function searchEverywhere({ deployment, gateway, limits }: SearchInput): Promise<OperationResult> {
  const { asked, unasked } = await lookEverywhere({ deployment, gateway }, limits);
  const lives = asked.flatMap((each) => each.lives);
  if (lives.length > 0) throw refusal(describeLives(gateway, lives), []);
  const engines = (each: readonly { readonly engine: string }[]) => each.map(({ engine }) => engine).join(', ');
  const rest = unasked.length === 0 ? '' : `; not asked, without a worker beside it: ${engines(unasked)}`;
  return nothing('done', `nothing of ${gateway} is on engine ${engines(asked)}${rest}`);
}

function ask(limits: Limits, place: Place): Asking {
  return proxyActivities<Asking>({ ...askPolicy(limits), ...onEngine(place), summary: 'find earlier lives' });
}

function refusal(reason: string, entered: OperationInput['entered']): ApplicationFailure {
  const result = { ...nothing('stopped', reason), entered };
  return ApplicationFailure.create({ message: reason, type: 'stopped', nonRetryable: true, details: [result] });
}

function nothing(outcome: OperationResult['outcome'], reason: string): OperationResult {
  return { outcome, reason, record: undefined, entered: [], skipped: [], left: [] };
}
