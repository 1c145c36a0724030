import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { Refused } from '../../domain/errors.js';
import { gatewayId, layout } from '../../domain/gateway/gateway.js';
import type { Rotation } from '../../domain/changes/rotation.js';
import { describeHandOver, describeState, detailsOf, handOverOf } from '../record/describe.js';
import { acceptBelieved, acceptRequest, checkForms, checkRequest, soughtEngine } from './accept.js';
import { carry, restored } from '../record/carried-state.js';
import {
  emptyState,
  expireState,
  forgetOld,
  isAlive,
  isGivenUp,
  isRemoving,
  placeOn,
  type GatewayState,
  type Queued,
} from '../record/state.js';
import type { OperationResult } from '../../wire/operation.js';
import { beginOperation, endOperation, loseOperation, oweAfter, stays } from './begin-end.js';
import { comesFirst, forgetOwed } from '../record/owed.js';
import { tryDropAgain } from '../replace/drop-state.js';
import { askLive, asksForLimits } from '../reconfigure/operation.js';
import {
  countFailure,
  dropUnknown,
  expireFormer,
  formerEndsAt,
  isReplacement,
  keepFound,
  mayHaveSaved,
  outdateKept,
  refusedInRehearsal,
} from '../replace/operation.js';
import { listMemoOf, saysSo } from '../record/list-memo.js';
import { forgetSettled, heldMs } from '../record/unsettled.js';
import { RunningOperation, type OperationEnd } from './running-operation.js';
import {
  continueAsNewSignal,
  describeQuery,
  handedOverSignal,
  parkedSignal,
  placedSignal,
  replyUpdate,
  requestUpdate,
  standingQuery,
  withdrawUpdate,
} from '../../wire/messages.js';
import type { Accepted, Request, Withdrawal } from '../../wire/requests.js';
import type { CarriedStart } from '../record/start.js';
import type { Park, Reply } from '../../wire/park.js';
import type { Standing } from '../../wire/description.js';
import { endHandOver } from '../rotate/operation.js';
import {
  gatewayBirthKey,
  gatewayHostKey,
  gatewayPhaseKey,
  gatewayReleaseKey,
  needsAttentionKey,
  phaseSinceKey,
} from '../../wire/search-attributes.js';
import { checkWithdrawal, standingOf, withdraw } from '../record/standing.js';
import { Words } from './words.js';

/**
 * The record of one gateway and the queue of what is asked of it: one operation at a time, each a child workflow of its own.
 * It is not cancellable: a cancel is handed to the running operation, and nothing else happens.
 */
export async function gateway(start: CarriedStart): Promise<void> {
  const entity = new Entity(start);
  const root = CancellationScope.current();
  root.cancelRequested.catch(() => entity.cancelOperation());
  await CancellationScope.nonCancellable(() => entity.live());
}

/** How long an entity that was started without a request waits for its first. */
const firstRequestMs = 10_000;

class Entity {
  readonly #start: CarriedStart;
  readonly #state: GatewayState;
  readonly #words: Words;
  #running: RunningOperation | undefined;
  #park: Park | undefined;
  #replied: Reply | undefined;
  #shown = '';
  #continueAsNew = false;
  #refused = false;

  constructor(start: CarriedStart) {
    this.#start = start;
    this.#state = start.state ? restored(start.state) : emptyState(start.firstOperation ?? 1, Date.now());
    this.#state.newRun = false;
    this.#words = new Words(start.limits);
    this.#hear();
    setHandler(standingQuery, (requestId) => standingOf(this.#state, requestId, this.#park));
    setHandler(handedOverSignal, (generation) => {
      endHandOver(this.#state, generation);
      this.#show();
    });
    setHandler(describeQuery, () => describeState(start, this.#state, this.#park));
    setHandler(parkedSignal, (park) => this.#parked(park));
    setHandler(placedSignal, (placed) => placeOn(this.#state, placed));
    setHandler(continueAsNewSignal, () => {
      this.#continueAsNew = true;
    });
    if (start.request && !start.state) this.#acceptStart(start.request);
  }

  /** What is said to this gateway, each held against the room that there is for it. */
  #hear(): void {
    setHandler(requestUpdate, (request) => this.#heard(() => this.#accept(request)), {
      validator: (request) => {
        this.#check(request);
        this.#checkForms(request);
        refusing(() => this.#words.demandForRequest(this.#state, request));
      },
    });
    setHandler(replyUpdate, (reply) => this.#heard(() => this.#reply(reply)), {
      validator: (reply) => {
        this.#checkReply(reply);
        refusing(() => this.#words.demandForAnswer(this.#state));
      },
    });
    setHandler(withdrawUpdate, (asked) => this.#heard(() => this.#withdraw(asked)), {
      validator: (asked) => {
        refusing(() => checkWithdrawal(asked));
        refusing(() => this.#words.demandForWithdrawal(this.#state));
      },
    });
  }

  #heard<T>(act: () => T): T {
    this.#words.count();
    if (this.#words.many && !this.#continueAsNew && patched('a run hears so much')) this.#continueAsNew = true;
    return act();
  }

  /** Hands a cancel of this workflow to the operation that runs. */
  cancelOperation(): void {
    this.#running?.cancel();
  }

  /** Lives until nothing of the gateway needs to be remembered. */
  async live(): Promise<void> {
    if (this.#refused) return this.#leave();
    if (!this.#start.state && !this.#start.request) await condition(() => this.#state.queue.length > 0, firstRequestMs);
    for (;;) {
      const now = Date.now();
      expireState(this.#state, now);
      expireFormer(this.#state, now);
      tryDropAgain(this.#state, now);
      forgetOld(this.#state, this.#start.limits, now);
      forgetSettled(this.#state, now);
      if (this.#mustContinueAsNew()) return this.#goOn();
      const waitMs = heldMs(this.#state, now);
      if (waitMs > 0 && patched('nothing begins while an undo is out')) await this.#hold(waitMs);
      else if (this.#state.queue.length > 0) await this.#operate();
      else if (this.#isForgotten()) return this.#leave();
      else await this.#idle();
    }
  }

  /** Until no lost attempt can land any more, or what waits first is another. */
  async #hold(ms: number): Promise<void> {
    this.#show();
    await condition(() => this.#continueAsNew || heldMs(this.#state, Date.now()) === 0, ms);
  }

  async #operate(): Promise<void> {
    if (asksForLimits(this.#state) && patched('limits without a new container')) askLive(this.#state);
    const queued = beginOperation(this.#state, Date.now());
    if (!queued) return;
    this.#show();
    const running = new RunningOperation(this.#start, this.#state, queued);
    this.#running = running;
    this.#forsake(running, queued).catch(() => undefined); // What cannot be asked is not taken for gone.
    const [end] = await Promise.all([running.end(), this.#stopForRemoval(running, queued)]);
    this.#running = undefined;
    this.#park = undefined;
    const now = Date.now();
    if (end.result) endOperation(this.#state, end.operation, end.result, now);
    else loseOperation(this.#state, end.operation, end.reason, this.#start.limits, now);
    this.#owe(end, now);
    this.#show();
  }

  /** What follows from an operation that an older version would have let rest. */
  #owe({ operation, result }: OperationEnd, now: number): void {
    const state = this.#state;
    const { change, kind } = operation;
    if (kind === 'restore' && state.owed && !patched('take back after a restore')) forgetOwed(state);
    if (change && result?.outcome === 'left') this.#oweLeft();
    if (change?.kind === 'rotate' && result?.outcome === 'done' && kind !== 'way-back') this.#outdate(change);
    if (result?.saved && patched('what a lost record kept')) keepFound(state, result, now);
    if (result) this.#countRehearsal(operation, result);
    if (result && stays(state, operation, result) && !patched('drop again')) return;
    oweAfter(state, operation, result, now);
  }

  /** An older version let rest what another change than a replacement had to leave. */
  #oweLeft(): void {
    const { owed } = this.#state;
    if (owed && !isReplacement(owed) && !patched('owe what is left')) forgetOwed(this.#state);
  }

  #countRehearsal(operation: Queued, result: OperationResult): void {
    const release = refusedInRehearsal(operation, result);
    if (release !== undefined && patched('refused rehearsals count')) countFailure(this.#state, release);
  }

  /** Whoever was put out is out of what is kept as well, though a rollback waits. */
  #outdate({ evict, nextKeyId }: Rotation): void {
    if (!evict && nextKeyId === undefined) return;
    if (this.#state.kept && patched('evicted devices stay out')) outdateKept(this.#state);
    if (mayHaveSaved(this.#state) && patched('what a lost record kept')) dropUnknown(this.#state);
  }

  /** A removal pre-empts whatever runs before it. */
  async #stopForRemoval(running: RunningOperation, queued: Queued): Promise<void> {
    if (queued.kind === 'remove' || queued.kind === 'purge') return;
    await condition(() => running.ended || isRemoving(this.#state));
    if (!running.ended) await running.stopForRemoval();
  }

  /** What waits for an engine that is gone for good would wait for ever. */
  async #forsake(running: RunningOperation, { gone }: Queued): Promise<void> {
    if (gone) return;
    await condition(() => running.ended || isGivenUp(this.#state));
    if (!running.ended) await running.forsake();
  }

  async #idle(): Promise<void> {
    this.#show();
    const woken = () => this.#state.queue.length > 0 || this.#continueAsNew;
    const deadline = this.#nextDeadline();
    if (deadline === undefined) await condition(woken);
    else await condition(woken, Math.max(1, deadline - Date.now()));
  }

  /** When something is to be let go or forgotten; undefined while a gateway lives and has nothing to go back to. */
  #nextDeadline(): number | undefined {
    if (this.#state.stateKeptUntil > 0) return this.#state.stateKeptUntil;
    const dropAt = Math.min(formerEndsAt(this.#state) ?? Infinity, this.#state.dropping?.again ?? Infinity);
    if (isAlive(this.#state) && dropAt < Infinity && !comesFirst(this.#state)) return dropAt;
    if (this.#state.phase === 'removed' && this.#state.left.length === 0) return this.#forgetAt();
    return undefined;
  }

  #forgetAt(): number {
    return this.#state.since + this.#start.limits.forgetAfterMs;
  }

  #isForgotten(): boolean {
    if (this.#state.phase === 'none') return true;
    const { phase, stateKeptUntil, left } = this.#state;
    return phase === 'removed' && stateKeptUntil === 0 && left.length === 0 && Date.now() >= this.#forgetAt();
  }

  #mustContinueAsNew(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (this.#state.newRun || this.#continueAsNew || continueAsNewSuggested) return true;
    return historyLength > this.#start.limits.entityEvents;
  }

  async #goOn(): Promise<void> {
    await condition(allHandlersFinished);
    const { request: _request, ...start } = this.#start;
    await continueAsNew<typeof gateway>({ ...start, state: carry(this.#state) });
  }

  async #leave(): Promise<void> {
    await condition(allHandlersFinished);
  }

  #acceptStart(request: Request): void {
    try {
      this.#check(request);
      this.#checkStartForms(request);
      this.#accept(request);
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
      this.#refused = true; // Nothing was begun and nothing waits: the run completes at once, and the update says why.
    }
  }

  #check(request: Request): void {
    refusing(() => {
      gatewayId(this.#start.gateway);
      if (this.#start.layout !== layout)
        throw new Refused(
          `layout ${JSON.stringify(this.#start.layout)} is unknown: this version of creel speaks layout 1`,
        );
      checkRequest(this.#state, request, this.#start.limits);
    });
  }

  #checkForms(request: Request): void {
    refusing(() => checkForms(this.#state, request));
  }

  /** An older creel took what is refused now: its histories go on as they went. */
  #checkStartForms(request: Request): void {
    try {
      this.#checkForms(request);
    } catch (error) {
      if (patched('senders have forms')) throw error;
    }
  }

  #accept(request: Request): Accepted {
    const isSought = soughtEngine(this.#state, request) === undefined || patched('an engine by word is looked for');
    const accept = isSought ? acceptRequest : acceptBelieved;
    return accept(this.#state, request, this.#start.deployment, this.#start.gateway, Date.now());
  }

  #withdraw({ requestId, reason }: Withdrawal): Standing | undefined {
    withdraw(this.#state, requestId, reason);
    this.#show();
    return standingOf(this.#state, requestId, this.#park);
  }

  #checkReply(reply: Reply): void {
    refusing(() => {
      const same = this.#replied?.park === reply.park ? this.#replied : undefined;
      if (same?.answer === reply.answer) return;
      if (same) throw new Refused(`park ${reply.park} was answered with ${same.answer}`);
      if (this.#park?.number !== reply.park) {
        throw new Refused(
          `park ${reply.park} is not open${this.#park ? `; ${this.#park.number} is` : ''}. See \`creel describe ${this.#start.gateway}\``,
        );
      }
      if (!this.#park.answers.includes(reply.answer)) {
        throw new Refused(`park ${reply.park} takes ${this.#park.answers.join(', ')}, not ${reply.answer}`);
      }
    });
  }

  #reply(reply: Reply): void {
    if (this.#replied?.park === reply.park) return;
    this.#replied = reply;
    this.#running?.reply(reply);
  }

  #parked(park: Park | undefined): void {
    this.#park = park;
    this.#show();
  }

  /** What people list and filter by, written only when it changed. */
  #show(): void {
    const { life, phase, since } = this.#state;
    const attention = this.#park !== undefined || phase === 'degraded' || this.#state.left.length > 0;
    setCurrentDetails(detailsOf(this.#start, this.#state, this.#park));
    this.#showHandOver();
    this.#showMemo();
    const shown = this.#park ? 'parked' : phase;
    const engine = life?.place.engine;
    const key = `${shown} ${attention} ${life?.mark.birth ?? ''} ${engine ?? ''}`;
    if (key === this.#shown) return;
    this.#shown = key;
    upsertSearchAttributes([
      { key: gatewayPhaseKey, value: shown },
      { key: gatewayBirthKey, value: life?.mark.birth ?? null },
      { key: gatewayReleaseKey, value: life?.spec.release ?? null },
      ...(engine === undefined ? [] : [{ key: gatewayHostKey, value: engine }]),
      { key: needsAttentionKey, value: attention },
      { key: phaseSinceKey, value: new Date(since) },
    ]);
  }

  /** Where `creel list` finds it without asking each gateway. */
  #showHandOver(): void {
    const { handOver } = handOverOf(this.#state);
    const due = handOver && describeHandOver(handOver);
    if (workflowInfo().memo?.['handOver'] === due) return;
    upsertMemo({ handOver: due ?? null });
  }

  /** Where a list and a look at the whole fleet find the rest without asking each gateway. */
  #showMemo(): void {
    const memo = listMemoOf(this.#state);
    if (!saysSo(workflowInfo().memo ?? {}, memo) && patched('the memo says more')) upsertMemo(memo);
  }
}

/** A refusal in a handler must be an `ApplicationFailure`: any other error would fail the workflow task instead. */
function refusing(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (isCancellation(error) || !(error instanceof Error)) throw error;
    const type = error instanceof Refused ? 'Refused' : 'Malformed';
    throw ApplicationFailure.create({ message: error.message, type, nonRetryable: true });
  }
}
