import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/activities.js';
import type { Place } from '../domain/gateway.js';
import { describeLives } from '../domain/life.js';
import type { Limits } from './limits.js';
import type { Attempted, OperationInput, OperationResult } from './operation.js';
import { askPolicy } from './policies.js';
import type { Entered } from './requests.js';
import { runOperation } from './run-operation.js';
import { stateStep } from './steps.js';

export type SearchInput = {
  readonly deployment: string;
  readonly gateway: string;
  readonly place: Place;
  readonly limits: Limits;
};

type Asking = {
  [K in 'findLives' | 'findGeneration']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

/** Goes on with a life whose record was lost: finds out what it holds, then repairs it like any other. */
export async function takeUp(input: OperationInput): Promise<OperationResult> {
  const { mark, place } = input.gateway;
  const asking = ask(input.limits);
  const entered = [...input.entered];
  try {
    const lives = await asking.findLives({ deployment: mark.deployment, gateway: mark.gateway, place });
    if (!lives.value.some(({ birth }) => birth === mark.birth))
      throw refusal(`no life of ${mark.gateway} with birth ${mark.birth} is on host ${place.host}`, entered);
    const { value: found } = await asking.findGeneration(input.gateway);
    const { keyId: _proposed, ...lost } = input.gateway;
    const gateway =
      typeof found === 'number'
        ? { ...lost, tokenGeneration: found }
        : { ...lost, tokenGeneration: found.generation, keyId: found.keyId };
    return await runOperation({ ...input, gateway, entered: withState(entered) }, (saga) => saga.repair());
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure)
      throw refusal(error.cause.message, entered);
    throw error;
  }
}

/** Whatever there is of a life came after its state, which is made first and goes last. */
function withState(entered: readonly Entered[]): Entered[] {
  return [{ step: stateStep, unsettledUntil: 0 }, ...entered.filter(({ step }) => step !== stateStep)];
}

/** A removal of a gateway that no record knows: done when nothing of it is on the host, else it names the lives there are. */
export async function searchLives(input: SearchInput): Promise<OperationResult> {
  const { value: lives } = await ask(input.limits).findLives(input);
  if (lives.length === 0) return nothing('done', `nothing of ${input.gateway} is on host ${input.place.host}`);
  throw refusal(describeLives(input.gateway, lives), []);
}

function ask(limits: Limits): Asking {
  return proxyActivities<Asking>({ ...askPolicy(limits), summary: 'find earlier lives' });
}

function refusal(reason: string, entered: OperationInput['entered']): ApplicationFailure {
  const result = { ...nothing('stopped', reason), entered };
  return ApplicationFailure.create({ message: reason, type: 'stopped', nonRetryable: true, details: [result] });
}

function nothing(outcome: OperationResult['outcome'], reason: string): OperationResult {
  return { outcome, reason, record: undefined, entered: [], skipped: [], left: [] };
}
