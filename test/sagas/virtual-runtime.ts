import type { Activities } from '../../src/activities/activities.js';
import { finalKinds } from '../../src/domain/errors.js';
import type { Gateway } from '../../src/domain/gateway.js';
import type { Attempted } from '../../src/workflows/operation.js';
import type { ParkAnswer } from '../../src/workflows/requests.js';
import type { Failure, Pause, Runtime } from '../../src/workflows/saga.js';
import { registry } from '../../src/workflows/steps.js';

/** What is made to happen to one attempt of a call. */
export type Fault =
  | 'refuse before' // fails for good, without effect
  | 'refuse after' // fails for good, although it took effect
  | 'lose the answer' // took effect, nobody heard of it, tried again
  | 'both at once' // a second attempt runs beside the first
  | 'twice' // done again right after it was done
  | 'late'; // nobody heard of it, and its effect lands when start-to-close is nearly over

export type FaultPlan = (step: string, doing: 'do' | 'undo', attempt: number) => Fault | undefined;

/** What `perform` throws: the end of a call as Temporal would report it. */
class Ended extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Stands for Temporal around a saga: retries, virtual time, and faults where the plan says so. */
export class VirtualRuntime implements Runtime {
  readonly pages: string[] = [];
  readonly undoAttempts: { step: string; attempt: number }[] = [];
  readonly #activities: Activities;
  readonly #gateway: Gateway;
  readonly #plan: FaultPlan;
  readonly #late: { at: number; effect: () => Promise<unknown> }[] = [];
  readonly #lateMs: number;
  #now = 1_000_000;

  /** `gateway` is what the activities are told: with a change, when the operation is one. */
  constructor(activities: Activities, gateway: Gateway, lateMs: number, plan: FaultPlan) {
    this.#activities = activities;
    this.#gateway = gateway;
    this.#lateMs = lateMs;
    this.#plan = plan;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (const { at, effect } of this.#late.splice(0)) {
      if (at <= until) await effect().catch(() => undefined); // A late attempt may meet a world that it no longer fits.
      else this.#late.push({ at, effect });
    }
    this.#now = until;
  }

  /** Lets every late effect land that is still out. */
  async outlast(): Promise<void> {
    await this.sleep(this.#lateMs * 10);
  }

  async perform(step: string, doing: 'do' | 'undo'): Promise<Attempted<unknown>> {
    const activity = registry[step]?.[doing];
    if (!activity) throw new Error(`${step} has no ${doing}`);
    const call = this.#activities[activity] as (gateway: Gateway) => Promise<unknown>;
    for (let attempt = 1; ; attempt += 1) {
      if (doing === 'undo') this.undoAttempts.push({ step, attempt });
      try {
        return {
          attempt,
          value: await this.#attempt(() => call(this.#gateway), this.#plan(step, doing, attempt), step),
        };
      } catch (error) {
        if (error instanceof Ended) throw error;
        const kind = error instanceof Error ? error.name : 'Error';
        const message = error instanceof Error ? error.message : String(error);
        const final = finalKinds.some((each) => each === kind) || attempt === 20;
        if (final) throw new Ended({ kind, message, attempt });
        this.#now += 100;
      }
    }
  }

  async #attempt(call: () => Promise<unknown>, fault: Fault | undefined, step: string): Promise<unknown> {
    if (fault === 'refuse before') throw refusal(step);
    if (fault === 'late') {
      this.#late.push({ at: this.#now + this.#lateMs, effect: call });
      throw new Ended({ kind: 'TimeoutFailure', message: `${step} was made to time out`, attempt: undefined });
    }
    if (fault === 'both at once') return settleFirst(call(), call());
    const value = await call();
    if (fault === 'refuse after') throw refusal(step);
    if (fault === 'lose the answer') throw new Error(`the answer of ${step} was made to get lost`);
    if (fault === 'twice') return call();
    return value;
  }

  readFailure(error: unknown): Failure {
    if (error instanceof Ended) return error.failure;
    throw error;
  }

  cancelled(): boolean {
    return false;
  }

  beingRemoved(): boolean {
    return false;
  }

  shielded<T>(fn: () => Promise<T>): Promise<T> {
    return fn();
  }

  within<T>(_ms: number, fn: () => Promise<T>): Promise<T> {
    return fn();
  }

  async park(pause: Pause): Promise<ParkAnswer | 'expired'> {
    return pause.doing === 'do' ? 'abort' : 'leave';
  }

  page(title: string): void {
    this.pages.push(title);
  }
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
