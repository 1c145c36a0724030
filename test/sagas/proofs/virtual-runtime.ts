import { finalKinds } from '../../../src/domain/errors.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { Attempted } from '../../../src/wire/operation.js';
import type { ParkAnswer } from '../../../src/wire/park.js';
import type { Failure, Pause, Runtime } from '../../../src/workflows/saga/saga.js';
import { registry } from '../../../src/workflows/operations.js';
import type { Steps } from '../../../src/workflows/saga/step.js';
import { attempting } from '../../world/moments.js';
import { lateAttempt } from './late-attempt.js';
import { VirtualClock } from './virtual-clock.js';

/** What is made to happen to one attempt of a call. */
export type Fault =
  | 'refuse before' // fails for good, without effect
  | 'refuse after' // fails for good, although it took effect
  | 'lose the answer' // took effect, nobody heard of it, tried again
  | 'both at once' // a second attempt runs beside the first
  | 'twice' // done again right after it was done
  | 'late' // nobody heard of it, and its effect lands when start-to-close is nearly over
  | 'lost'; // the same, and it is tried again at once

export type FaultPlan = (step: string, doing: 'do' | 'undo', attempt: number) => Fault | undefined;

/** What comes from outside while an operation runs. */
export type Interruption =
  | 'cancel' // somebody cancels the operation
  | 'remove' // the gateway is being removed: the operation is told so, and cancelled
  | 'time is over' // the limit of `within` passes
  | 'terminate'; // the run ends here, and nobody is told

/** A moment of a call: 0 is before anything of it, then one after each call of a port and each piece of a copy; or a pause. */
export type Moment = {
  readonly step: string;
  readonly doing: 'do' | 'undo' | 'parked' | 'pause';
  readonly moment: number;
  /** What was called right before it, if anything was. */
  readonly call?: string;
};

export type Outside = {
  /** What happens at a moment. */
  readonly at?: (moment: Moment) => Interruption | undefined;
  /** What a removal does beside stopping the operation: asks for it. */
  readonly onRemove?: () => void;
  /** What an operator says to a park; nobody says anything when absent, and the wait ends. */
  readonly answer?: (pause: Pause) => ParkAnswer | undefined;
  readonly clock?: VirtualClock;
};

/** When an undo that nobody heard of lands at the latest. */
const lateUndoMs = defaultLimits.undoMs - 1;

/** What steps name: those of creel, and whatever an operation of a test adds. */
export type AnyActivities = Readonly<Record<string, (told: never) => Promise<unknown>>>;

/** The run was terminated: nothing of it goes on. */
export class Terminated extends Error {}

/** What `perform` throws: the end of a call as Temporal would report it. */
class Ended extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/**
 * Stands for Temporal around a saga: retries, virtual time, faults where the plan says so, and whatever comes from outside at any
 * moment: what `run-operation.ts` does with it, this does.
 */
export class VirtualRuntime implements Runtime {
  readonly pages: string[] = [];
  readonly parks: Pause[] = [];
  readonly undoAttempts: { step: string; attempt: number }[] = [];
  readonly clock: VirtualClock;
  /** Whether what was to come from outside has come. */
  interrupted = false;
  readonly steps: Steps;
  readonly #activities: AnyActivities;
  #gateway: Gateway;
  readonly #plan: FaultPlan;
  readonly #outside: Outside;
  readonly #lateMs: number;
  readonly #root = new AbortController();
  #shield: AbortController | undefined;
  #limit = Infinity;
  #limited: AbortController | undefined;
  #removed = false;
  #late = false;
  #terminated = false;

  /** `gateway` is what the activities are told: with a change, when the operation is one. */
  constructor(
    activities: AnyActivities,
    gateway: Gateway,
    lateMs: number,
    plan: FaultPlan,
    outside: Outside = {},
    steps = registry,
  ) {
    this.steps = steps;
    this.#activities = activities;
    this.#gateway = gateway;
    this.#lateMs = lateMs;
    this.#plan = plan;
    this.#outside = outside;
    this.clock = outside.clock ?? new VirtualClock();
  }

  /** Which engine the gateway stands on. */
  get engine(): string | undefined {
    return this.#gateway.place.engine;
  }

  async placed(engine: string): Promise<void> {
    this.#gateway = { ...this.#gateway, place: { ...this.#gateway.place, engine } };
  }

  now(): number {
    return this.clock.now();
  }

  async sleep(ms: number): Promise<void> {
    this.#interrupt({ step: '', doing: 'pause', moment: 0 });
    this.#demandOpen();
    await this.clock.sleep(ms);
  }

  /** Lets every late effect land that is still out. */
  async outlast(): Promise<void> {
    await this.clock.sleep(this.#lateMs * 10);
  }

  async perform(step: string, doing: 'do' | 'undo', allowed: readonly string[] = []): Promise<Attempted<unknown>> {
    const row = this.steps[step];
    const call = this.#activities[row?.[doing] ?? ''] as ((gateway: Gateway) => Promise<unknown>) | undefined;
    if (!call) throw new Error(`${step} has no ${doing}`);
    const told = { ...this.#gateway, ...(allowed.length > 0 && { allowed }) };
    const most = Math.min(20, (doing === 'do' && row?.attempts) || 20);
    this.#demandOpen();
    for (let attempt = 1; ; attempt += 1) {
      if (doing === 'undo') this.undoAttempts.push({ step, attempt });
      try {
        const value = await this.#attempt(() => call(told), step, doing, attempt);
        this.#demandAlive();
        return { attempt, value };
      } catch (error) {
        this.#demandAlive();
        const end = this.#endOf(error, attempt, most);
        if (end) throw end;
        this.#pass(100);
        if (this.#signal().aborted) throw cancelledCall();
      }
    }
  }

  /** How a call ends with this error; undefined when it is tried again. */
  #endOf(error: unknown, attempt: number, most: number): Ended | undefined {
    if (error instanceof Ended) return error;
    const kind = error instanceof Error ? error.name : 'Error';
    if (this.#signal().aborted && kind === 'AbortError') return cancelledCall();
    const message = error instanceof Error ? error.message : String(error);
    const final = finalKinds.some((each) => each === kind) || attempt === most;
    return final ? new Ended({ kind, message, attempt }) : undefined;
  }

  async #attempt(call: () => Promise<unknown>, step: string, doing: 'do' | 'undo', number: number): Promise<unknown> {
    const fault = this.#plan(step, doing, number);
    let count = 0;
    const moment = (call: string) => {
      this.#interrupt({ step, doing, moment: count, call });
      count += 1;
    };
    const signal = this.#signal();
    const attempt = () => attempting({ signal, moment }, call);
    moment('');
    signal.throwIfAborted();
    if (fault === 'refuse before') throw refusal(step);
    if (fault === 'late' || fault === 'lost') {
      this.clock.after(doing === 'do' ? this.#lateMs : lateUndoMs, () => lateAttempt(call));
      if (fault === 'lost') throw new Error(`attempt ${number} of ${step} was made to get lost`);
      throw new Ended({ kind: 'TimeoutFailure', message: `${step} was made to time out`, attempt: undefined });
    }
    if (fault === 'both at once') return settleFirst(attempt(), attempt());
    const value = await attempt();
    if (fault === 'refuse after') throw refusal(step);
    if (fault === 'lose the answer') throw new Error(`the answer of ${step} was made to get lost`);
    if (fault === 'twice') return attempt();
    return value;
  }

  readFailure(error: unknown): Failure {
    if (error instanceof Ended) return error.failure;
    throw error;
  }

  cancelled(): boolean {
    return this.#root.signal.aborted || this.#removed || this.#late;
  }

  beingRemoved(): boolean {
    return this.#removed;
  }

  outOfTime(): boolean {
    return this.#late;
  }

  adopts(): boolean {
    return true;
  }

  /** Only a removal gets through to what is under way, and only where a change goes back. */
  async shielded<T>(fn: () => Promise<T>): Promise<T> {
    this.#shield = new AbortController();
    if (this.#removed && this.#isChange()) this.#shield.abort();
    try {
      return await fn();
    } finally {
      this.#shield = undefined;
    }
  }

  async within<T>(ms: number, fn: () => Promise<T>): Promise<T> {
    this.#limit = this.now() + ms;
    this.#limited = new AbortController();
    try {
      return await fn();
    } finally {
      this.#limit = Infinity;
      this.#limited = undefined;
    }
  }

  async park(pause: Pause): Promise<ParkAnswer | 'expired'> {
    const { parkMs } = this.#gateway.spec;
    const without: ParkAnswer = pause.doing === 'do' ? 'abort' : 'leave';
    if (parkMs === 0) return without;
    this.parks.push(pause);
    this.pages.push(`${pause.step} needs attention`);
    const answer = this.#outside.answer?.(pause);
    if (answer !== undefined) return answer;
    this.#interrupt({ step: pause.step, doing: 'parked', moment: this.parks.length });
    this.#demandAlive();
    if (this.#signal().aborted || this.#removed) return without;
    this.#pass(parkMs);
    return 'expired';
  }

  page(title: string): void {
    this.pages.push(title);
  }

  #interrupt(moment: Moment): void {
    const comes = this.#outside.at?.(moment);
    if (comes === undefined || (comes === 'time is over' && !this.#limited)) return;
    this.interrupted = true;
    if (comes === 'time is over') return this.#pass(this.#limit - this.now());
    if (comes === 'terminate') this.#terminated = true;
    if (comes === 'remove') {
      this.#outside.onRemove?.();
      this.#removed = true;
    }
    if (this.#terminated || (this.#removed && this.#isChange())) this.#shield?.abort();
    this.#root.abort();
    this.#limited?.abort();
  }

  #pass(ms: number): void {
    this.clock.pass(ms);
    if (this.now() < this.#limit) return;
    this.#late = true;
    this.#limited?.abort();
  }

  /** What surrounds the call that is made now. */
  #signal(): AbortSignal {
    return (this.#shield ?? this.#limited ?? this.#root).signal;
  }

  /** Nothing is begun any more where everything is cancelled. */
  #demandOpen(): void {
    this.#demandAlive();
    if (this.#signal().aborted) throw cancelledCall();
  }

  #demandAlive(): void {
    if (this.#terminated) throw new Terminated();
  }

  #isChange(): boolean {
    return 'change' in this.#gateway;
  }
}

/** Nobody says which attempt a cancelled call ended with. */
function cancelledCall(): Ended {
  const message = 'no end was reported (Activity cancelled)';
  return new Ended({ kind: 'CancelledFailure', message, attempt: undefined });
}

/** The end that the engine of retries would see of two attempts that overlap: the one that succeeded, else the first failure. */
async function settleFirst(one: Promise<unknown>, other: Promise<unknown>): Promise<unknown> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === 'fulfilled') return first.value;
  if (second.status === 'fulfilled') return second.value;
  throw first.reason;
}

function refusal(step: string): Ended {
  return new Ended({ kind: 'Refused', message: `${step} was made to fail`, attempt: 1 });
}
