import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { Refused } from '../../domain/errors.js';
import { gatewayId, layout } from '../../domain/gateway/gateway.js';
import { describeState } from '../record/describe.js';
import { acceptBelieved, acceptRequest, soughtEngine } from './accept.js';
import { checkForms, checkRequest } from './check.js';
import { carry } from '../record/carried-state.js';
import { readState } from '../record/read-state.js';
import { isRemoval, type Begun } from '../record/queued.js';
import {
  emptyState,
  expireState,
  forgetOld,
  isAlive,
  isGivenUp,
  isRemoving,
  placeOn,
  hasLeft,
  stateKeptUntil,
  type GatewayState,
} from '../record/state.js';
import { beginOperation, endOperation, loseOperation } from './begin-end.js';
import { dropBack, isBackAlready } from './change.js';
import { followUp } from './follow-up.js';
import { comesFirst, letGo } from './owed.js';
import { Replies } from './replies.js';
import { Shown } from './shown.js';
import { askLive, asksForLimits } from '../reconfigure/operation.js';
import { formerEndsAt } from '../replace/former.js';
import { forgetSettled, heldMs } from '../record/unsettled.js';
import { RunningOperation } from './running-operation.js';
import {
  billUpdate,
  continueAsNewSignal,
  describeQuery,
  inviteUpdate,
  letInUpdate,
  visitQuery,
  refusalQuery,
  handedOverSignal,
  parkedSignal,
  placedSignal,
  replyUpdate,
  requestUpdate,
  standingQuery,
  withdrawUpdate,
} from '../../wire/messages.js';
import type { Bill, Billed } from '../../wire/billing.js';
import type { Invite, Invited } from '../../wire/invitation.js';
import { checkInvite, invite, letIn, visitOf } from '../invitation/invitation.js';
import type { Accepted, Request, Withdrawal } from '../../wire/requests.js';
import type { CarriedStart } from '../record/start.js';
import type { Park, Reply } from '../../wire/park.js';
import type { Standing } from '../../wire/description.js';
import { endHandOver } from '../rotate/operation.js';
import { checkWithdrawal, standingOf, withdraw } from '../record/standing.js';
import { checkBill } from '../billing/bill.js';
import { Payments } from '../billing/payments.js';
import { isPaidFor, settlesAt } from '../billing/settle.js';
import { Hearing } from './hearing.js';
import { measureOperation } from '../saga/measured.js';

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
  readonly #hearing: Hearing;
  readonly #replies: Replies;
  readonly #shown: Shown;
  readonly #payments: Payments;
  #running: RunningOperation | undefined;
  #continueAsNew = false;
  #refused = false;

  constructor(start: CarriedStart) {
    this.#start = start;
    this.#state = start.state ? readState(start.state) : emptyState(start.firstOperation ?? 1, Date.now());
    this.#state.newRun = false;
    this.#hearing = new Hearing(start.limits);
    this.#replies = new Replies(start.gateway);
    this.#shown = new Shown(start);
    this.#payments = new Payments(start);
    this.#hear();
    setHandler(standingQuery, (requestId) => standingOf(this.#state, requestId, this.#replies.park));
    setHandler(handedOverSignal, (generation) => {
      endHandOver(this.#state, generation);
      this.#show();
    });
    setHandler(refusalQuery, (request) => this.#refusalOf(request));
    setHandler(describeQuery, () => describeState(start, this.#state, this.#replies.park));
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
        refusing(() => this.#hearing.demandForRequest(this.#state, request));
      },
    });
    setHandler(billUpdate, (bill) => this.#heard(() => this.#bill(bill)), {
      validator: (bill) => {
        refusing(() => checkBill(this.#start.gateway, this.#state, bill));
        refusing(() => this.#hearing.demandForAnswer(this.#state));
      },
    });
    this.#welcome();
    setHandler(replyUpdate, (reply) => this.#heard(() => this.#reply(reply)), {
      validator: (reply) => {
        refusing(() => this.#replies.check(reply));
        refusing(() => this.#hearing.demandForAnswer(this.#state));
      },
    });
    setHandler(withdrawUpdate, (asked) => this.#heard(() => this.#withdraw(asked)), {
      validator: (asked) => {
        refusing(() => checkWithdrawal(asked));
        refusing(() => this.#hearing.demandForWithdrawal(this.#state));
      },
    });
  }

  /** Whom the gateway's customer link lets in. */
  #welcome(): void {
    setHandler(visitQuery, (digest) => visitOf(this.#state, digest));
    setHandler(inviteUpdate, (asked) => this.#heard(() => this.#invite(asked)), {
      validator: (asked) => {
        refusing(() => checkInvite(this.#start.gateway, this.#state, asked));
        refusing(() => this.#hearing.demandForWithdrawal(this.#state));
      },
    });
    setHandler(letInUpdate, (digest) => this.#heard(() => this.#letIn(digest)), {
      validator: (_digest) => refusing(() => this.#hearing.demandForAnswer(this.#state)),
    });
  }

  #heard<T>(act: () => T): T {
    this.#hearing.count();
    if (this.#hearing.many && !this.#continueAsNew && patched('a run hears so much')) this.#continueAsNew = true;
    return act();
  }

  /** Hands a cancel of this workflow to the operation that runs. */
  cancelOperation(): void {
    this.#running?.cancel();
  }

  /** Lives until nothing of the gateway needs to be remembered. */
  async live(): Promise<void> {
    if (this.#refused) return this.#leave();
    const isAsked = () => this.#state.queue.length > 0 || this.#state.paid !== undefined;
    if (!this.#start.state && !this.#start.request)
      await condition(isAsked, firstRequestMs, { summary: 'wait for the first request' });
    for (;;) {
      const now = Date.now();
      expireState(this.#state, now);
      letGo(this.#state, now);
      this.#payments.settle(this.#state, now);
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
    await condition(() => this.#continueAsNew || heldMs(this.#state, Date.now()) === 0, ms, {
      summary: 'hold until no lost attempt of an undo can land',
    });
  }

  async #operate(): Promise<void> {
    if (isBackAlready(this.#state) && patched('a way back goes once')) dropBack(this.#state);
    if (asksForLimits(this.#state) && patched('limits without a new container')) askLive(this.#state);
    const queued = beginOperation(this.#state, Date.now());
    if (!queued) return;
    this.#show();
    const begunAt = Date.now();
    const running = new RunningOperation(this.#start, this.#state, queued);
    this.#running = running;
    this.#forsake(running, queued).catch(() => undefined); // What cannot be asked is not taken for gone.
    const [end] = await Promise.all([running.end(), this.#stopForRemoval(running, queued)]);
    this.#running = undefined;
    this.#replies.park = undefined;
    const now = Date.now();
    measureOperation(end.operation.kind, end.result?.outcome ?? 'lost', now - begunAt);
    if (end.result) endOperation(this.#state, end.operation, end.result, now);
    else loseOperation(this.#state, end.operation, end.reason, this.#start.limits, now);
    followUp(this.#state, end, now, patched);
    this.#show();
  }

  /** A removal pre-empts the operation that runs. */
  async #stopForRemoval(running: RunningOperation, begun: Begun): Promise<void> {
    if (isRemoval(begun)) return;
    await condition(() => running.ended || isRemoving(this.#state));
    if (!running.ended) await running.stopForRemoval();
  }

  /** What waits for an engine that is gone for good would wait for ever. */
  async #forsake(running: RunningOperation, begun: Begun): Promise<void> {
    if (isRemoval(begun) && begun.gone) return;
    await condition(() => running.ended || isGivenUp(this.#state));
    if (!running.ended) await running.forsake();
  }

  async #idle(): Promise<void> {
    this.#show();
    const { paid } = this.#state;
    const woken = () => this.#state.queue.length > 0 || this.#continueAsNew || this.#state.paid !== paid;
    const deadline = this.#nextDeadline();
    if (deadline === undefined) await condition(woken);
    else
      await condition(woken, Math.max(1, deadline - Date.now()), {
        summary: 'rest until something is let go or forgotten',
      });
  }

  /** When something is to be let go or forgotten; undefined while a gateway lives and has nothing to go back to. */
  #nextDeadline(): number | undefined {
    const times = [this.#ownDeadline(), settlesAt(this.#state, Date.now())].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #ownDeadline(): number | undefined {
    const keptUntil = stateKeptUntil(this.#state);
    if (keptUntil > 0) return keptUntil;
    const { life } = this.#state;
    const dropAt = Math.min(formerEndsAt(this.#state) ?? Infinity, life?.dropping?.again ?? Infinity);
    if (isAlive(this.#state) && dropAt < Infinity && !comesFirst(this.#state)) return dropAt;
    const { phase } = this.#state;
    if (['removed', 'none'].includes(phase) && !hasLeft(this.#state) && !isPaidFor(this.#state))
      return this.#forgetAt();
    return undefined;
  }

  #forgetAt(): number {
    const { since, paid } = this.#state;
    return Math.max(since, paid?.heardAt ?? 0) + this.#start.limits.forgetAfterMs;
  }

  #isForgotten(): boolean {
    const { phase, paid } = this.#state;
    if (phase === 'none' && !paid) return true;
    if (isPaidFor(this.#state)) return false;
    const isOver =
      (phase === 'removed' || phase === 'none') && stateKeptUntil(this.#state) === 0 && !hasLeft(this.#state);
    return isOver && Date.now() >= this.#forgetAt();
  }

  #mustContinueAsNew(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (this.#state.newRun || this.#continueAsNew || continueAsNewSuggested) return true;
    return historyLength > this.#start.limits.entityEvents;
  }

  async #goOn(): Promise<void> {
    await condition(allHandlersFinished);
    await this.#payments.finish();
    const { request: _request, ...start } = this.#start;
    await continueAsNew<typeof gateway>({ ...start, state: carry(this.#state) });
  }

  async #leave(): Promise<void> {
    await condition(allHandlersFinished);
    await this.#payments.finish();
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

  /** Held against everything that a request is, without being one. */
  #refusalOf(request: Request): string | undefined {
    try {
      this.#check(request);
      this.#checkForms(request);
      refusing(() => this.#hearing.demandForRequest(this.#state, request));
      return undefined;
    } catch (error) {
      if (error instanceof ApplicationFailure) return error.message;
      throw error;
    }
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
    return standingOf(this.#state, requestId, this.#replies.park);
  }

  #bill(bill: Bill): Billed {
    const now = Date.now();
    const billed = this.#payments.hear(this.#state, bill, now);
    this.#show();
    return billed;
  }

  #invite(asked: Invite): Invited {
    return invite(this.#state, asked, Date.now());
  }

  #letIn(digest: string): void {
    refusing(() => letIn(this.#state, digest, Date.now()));
  }

  #reply(reply: Reply): void {
    if (this.#replies.hear(reply)) this.#running?.reply(reply);
  }

  #parked(park: Park | undefined): void {
    this.#replies.park = park;
    this.#show();
  }

  #show(): void {
    this.#shown.show(this.#state, this.#replies.park);
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
