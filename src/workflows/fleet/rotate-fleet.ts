import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import { Refused } from '../../domain/errors.js';
import { fleetId, fleetPlan, type Fleet, type FleetLook } from '../../domain/fleet/fleet.js';
import { fleetPageLength, rotationMs } from '../../domain/thresholds.js';
import { fleetDetails } from './details.js';
import {
  fleetStatusQuery,
  fleetOrderUpdate,
  type FleetAsk,
  type FleetEnd,
  type FleetResult,
  type FleetStatus,
  type FleetOrder,
} from '../../wire/fleet.js';
import {
  beginFleet,
  endMember,
  fleetResult,
  fleetStatus,
  isOver,
  newFleet,
  restoredFleet,
  stopFleet,
  surveyed,
  takeNext,
  turnPage,
  wantsPage,
  type FleetStart,
  type FleetState,
  type OpenMember,
} from './state.js';
import { fleetWorkflowId, waitsQueue } from '../../wire/ids.js';
import type { Attempted } from '../../wire/operation.js';
import { sendPage } from '../saga/page.js';
import { fleetLookPolicy, fleetPolicy } from '../saga/policies.js';
import { continueAsNewSignal } from '../../wire/messages.js';
import { needsAttentionKey } from '../../wire/search-attributes.js';

type Asking = {
  [K in 'findFleet' | 'surveyFleet' | 'findFleetPage' | 'requestRotation' | 'awaitRotation' | 'withdrawRotation']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

/**
 * Rotates every gateway whose spec says so, or every one to another master key, a few at a time, the first one alone. It only asks the gateways, each for itself,
 * and waits for their ends. However it ends, no gateway is asked twice and none comes back to life. A cancel is an abort.
 */
export async function rotateFleet(input: FleetStart): Promise<FleetResult> {
  const run = new FleetRun(input);
  const root = CancellationScope.current();
  root.cancelRequested.catch(() => run.abort('its run was cancelled'));
  const result = await CancellationScope.nonCancellable(() => run.end());
  if (result.outcome === 'done') return result;
  const { outcome: type, reason: message } = result;
  throw ApplicationFailure.create({ message, type, nonRetryable: true, details: [result] });
}

class FleetRun {
  readonly #input: FleetStart;
  readonly #id: string;
  #state: FleetState | undefined;
  #aborted = '';
  #news = true;
  #continueAsNew = false;
  #fault: unknown;
  #look: CancellationScope | undefined;
  #left = false;

  constructor(input: FleetStart) {
    this.#input = input;
    this.#id = fleetWorkflowId(input.run);
    this.#state = input.state && restoredFleet(input.state);
    setHandler(fleetOrderUpdate, (order) => this.#hear(order), { validator: (order) => this.#check(order) });
    setHandler(fleetStatusQuery, () => this.#status());
    setHandler(continueAsNewSignal, () => {
      this.#continueAsNew = true;
      this.#news = true;
    });
  }

  /** Nobody else begins, and what has not begun is taken back. */
  abort(reason: string): void {
    this.#aborted = reason;
    if (this.#state) stopFleet(this.#state, 'aborted', reason);
    else if (patched('an abort ends the look')) this.#left = true;
    this.#look?.cancel();
    this.#news = true;
  }

  /** Goes through the fleet until every gateway has come to its end. */
  async end(): Promise<FleetResult> {
    const { plan, run } = this.#input;
    const state = await this.#begin();
    for (const member of state.open) this.#start(state, member);
    while (!isOver(state)) {
      if (state.look) await this.#survey(state);
      else if (wantsPage(state, plan)) await this.#turnPage(state);
      for (let next = takeNext(state, plan, Date.now()); next; next = takeNext(state, plan, Date.now()))
        this.#start(state, next);
      this.#show(state);
      if (!state.look && !wantsPage(state, plan)) await this.#wait(state);
      if (this.#fault !== undefined) throw this.#fault;
      if (!isOver(state) && this.#mustContinueAsNew()) await this.#goOn(state);
    }
    this.#show(state);
    if (state.stopped?.outcome === 'stopped') await this.#page(state.stopped.reason);
    await condition(allHandlersFinished);
    return fleetResult(run, state);
  }

  async #begin(): Promise<FleetState> {
    if (this.#state) return this.#state;
    setCurrentDetails('looking at the fleet');
    this.#state = patched('a fleet in pages') ? await this.#checked() : await this.#wholeFleet();
    if (this.#aborted !== '') stopFleet(this.#state, 'aborted', this.#aborted);
    return this.#state;
  }

  async #wait(state: FleetState): Promise<void> {
    this.#news = false;
    await condition(() => this.#news || isOver(state));
  }

  async #checked(): Promise<FleetState> {
    return refusing(async () => {
      fleetId(this.#input.run);
      fleetPlan(this.#input.plan);
      return newFleet();
    });
  }

  /** As an older version looked: at all of them at once. An abort waits for no answer. */
  async #wholeFleet(): Promise<FleetState> {
    return refusing(async () => {
      fleetId(this.#input.run);
      fleetPlan(this.#input.plan);
      const { run, keyId, rekey } = this.#input;
      const asked = rekey && keyId !== undefined ? { run, toKey: keyId } : run;
      const look = this.#ask('look at the fleet').findFleet(asked);
      const nobody: Fleet = { members: [], leftOut: [] };
      const left = condition(() => this.#left).then(() => nobody);
      const fleet = await Promise.race([look.then(({ value }) => value), left]);
      return beginFleet(fleet, this.#input.plan);
    });
  }

  /** Looks at some more, before anybody is asked. What cannot be looked at at all fails the run. */
  async #survey(state: FleetState): Promise<void> {
    const { after = '' } = state.look ?? {};
    const survey = await refusing(() =>
      this.#looking(() => this.#asLook('look at the fleet').surveyFleet(this.#lookAt(after))),
    );
    if (survey) surveyed(state, this.#input.plan, survey);
  }

  /** Looks again at whose turn it is next; when that cannot be done, nobody else begins. */
  async #turnPage(state: FleetState): Promise<void> {
    const { after = '' } = state.pages ?? {};
    try {
      const page = await this.#looking(() => this.#asLook('look at the next ones').findFleetPage(this.#lookAt(after)));
      if (page) turnPage(state, this.#input.plan, page);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      stopFleet(state, 'stopped', `the rest could not be looked at: ${error.cause?.message ?? error.message}`);
    }
  }

  /** Undefined when the run was aborted meanwhile: then no answer is waited for. */
  async #looking<T>(call: () => Promise<Attempted<T>>): Promise<T | undefined> {
    if (this.#aborted !== '') return undefined;
    this.#look = new CancellationScope();
    try {
      return (await this.#look.run(call)).value;
    } catch (error) {
      if (this.#aborted !== '' && isCancellation(error)) return undefined;
      throw error;
    } finally {
      this.#look = undefined;
    }
  }

  #lookAt(after: string): FleetLook {
    const { run, keyId, rekey, limits } = this.#input;
    const key = rekey && keyId !== undefined ? { toKey: keyId } : {};
    return { run, after, limit: limits.fleetPage ?? fleetPageLength, ...key };
  }

  #asLook(summary: string): Asking {
    return proxyActivities<Asking>({ ...fleetLookPolicy(this.#input.limits, this.#limitMs()), summary });
  }

  /** Whatever a gateway comes to, it is remembered; a fault of our own fails the task instead. */
  #start(state: FleetState, member: OpenMember): void {
    this.#rotate(state, member)
      .then((end) => endMember(state, this.#input.plan, end))
      .catch((error: unknown) => {
        this.#fault = error;
      })
      .finally(() => {
        this.#news = true;
      });
  }

  async #rotate(state: FleetState, member: OpenMember): Promise<FleetEnd> {
    const { gateway } = member;
    try {
      return await this.#askAndWait(state, member);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return { gateway, end: 'failed', reason: error.cause?.message ?? error.message };
    }
  }

  /** Asks for the rotation and waits for its end; one that waits too long, or longer than the run lasts, is taken back. */
  async #askAndWait(state: FleetState, member: OpenMember): Promise<FleetEnd> {
    const { gateway } = member;
    const { run, origin, keyId } = this.#input;
    const key = keyId === undefined ? {} : { keyId };
    const asked: FleetAsk = { ...member, run, origin, limitMs: this.#limitMs(), ...key };
    let watched = (await this.#ask(`ask ${gateway}`).requestRotation(asked)).value;
    while (watched.state !== 'ended') {
      if (watched.state === 'waits') {
        const { end, reason } = watched;
        watched = (await this.#ask(`take back ${gateway}`).withdrawRotation({ ...asked, end, reason })).value;
      } else {
        watched = await this.#watch(state, asked);
      }
    }
    const { end, reason } = watched;
    return { gateway, end, reason };
  }

  async #watch(state: FleetState, asked: FleetAsk) {
    let over = false;
    const taskQueue = waitsQueue(workflowInfo().taskQueue);
    const watching = this.#ask(`await ${asked.gateway}`, { taskQueue }).awaitRotation(asked);
    const settle = () => {
      over = true;
    };
    watching.then(settle, settle);
    await condition(() => over || state.stopped !== undefined);
    if (!over) {
      const reason = state.stopped?.reason ?? '';
      await this.#ask(`take back ${asked.gateway}`).withdrawRotation({ ...asked, end: 'withdrawn', reason });
    }
    return (await watching).value;
  }

  /** Beyond the latest start: a rotation, and the way back until a person was told that it is slow. */
  #limitMs(): number {
    const { plan, limits } = this.#input;
    return plan.beginWithinMs + (limits.rotationMs ?? rotationMs) + limits.undoPageMs;
  }

  #ask(summary: string, on: { readonly taskQueue?: string } = {}): Asking {
    return proxyActivities<Asking>({ ...fleetPolicy(this.#input.limits, this.#limitMs()), ...on, summary });
  }

  #mustContinueAsNew(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return this.#continueAsNew || continueAsNewSuggested || historyLength > this.#input.limits.entityEvents;
  }

  /** What is open is asked for again by the next run: it is the same request, and the answer is the same. */
  async #goOn(state: FleetState): Promise<never> {
    await condition(allHandlersFinished);
    return continueAsNew<typeof rotateFleet>({ ...this.#input, state });
  }

  #status(): FleetStatus {
    return fleetStatus(this.#input.run, this.#state);
  }

  #check(order: FleetOrder): void {
    if (!['pause', 'resume', 'abort'].includes(order?.word)) throw refusal('a run takes pause, resume or abort');
    const { phase } = this.#status();
    if (phase === 'ended') throw refusal(`the run ${this.#input.run} has ended`);
    if (order.word !== 'abort' && (phase === 'stopping' || phase === 'looking'))
      throw refusal(`the run ${this.#input.run} is ${phase}: it takes abort alone`);
  }

  #hear({ word, origin }: FleetOrder): void {
    if (word === 'abort') this.abort(`aborted by ${origin}`);
    else if (this.#state) this.#state.paused = word === 'pause';
    this.#news = true;
  }

  /** What people see in the list and on the page of the run. */
  #show(state: FleetState): void {
    setCurrentDetails(fleetDetails(this.#status()));
    const attention = state.paused || state.stopped !== undefined;
    if (workflowInfo().typedSearchAttributes.get(needsAttentionKey) === attention) return;
    upsertSearchAttributes([{ key: needsAttentionKey, value: attention }]);
  }

  async #page(reason: string): Promise<void> {
    const at = new Date(Date.now()).toISOString();
    const { run, limits } = this.#input;
    const text = `${reason}. \`creel fleet status ${run}\` names those that failed`;
    await sendPage({ id: this.#id, gateway: 'fleet', title: 'the rotation of the fleet stopped', text, at }, limits);
  }
}

/** What cannot be looked at at all fails the run: nobody was asked. */
async function refusing<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (!(cause instanceof Refused || cause instanceof ApplicationFailure)) throw error;
    throw ApplicationFailure.create({ message: cause.message, type: 'Refused', nonRetryable: true });
  }
}

function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'Refused', nonRetryable: true });
}
