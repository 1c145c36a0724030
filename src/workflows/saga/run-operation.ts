import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { Bug } from '../../domain/errors.js';
import { bounded } from './bounded-result.js';
import { operationWorkflowId } from '../../wire/ids.js';
import type { Attempted, OperationInput, OperationResult } from '../../wire/operation.js';
import { tellLedger } from './ledger.js';
import { measureStep } from './measured.js';
import { sendPage } from './page.js';
import { doPolicy, queueOf, undoPolicy } from './policies.js';
import { beingRemovedSignal, engineGoneSignal, parkedSignal, replySignal } from '../../wire/messages.js';
import { describePark, type Park, type ParkAnswer } from '../../wire/park.js';
import { takeSeat, tellPlaced } from './seat.js';
import { Saga, toldOf, type Ability, type Failure, type Pause, type Runtime } from './saga.js';
import { needsAttentionKey } from '../../wire/search-attributes.js';
import type { Steps } from './step.js';
import { sleepWorked } from './worked-time.js';

type AnyActivity = Record<string, (input: unknown) => Promise<Attempted<unknown>>>;

/**
 * Runs one operation as a workflow. It returns when done; any other end is an `ApplicationFailure` whose type is the outcome
 * and whose details carry the result, so that lists of runs show it as failed.
 */
export async function runOperation(
  steps: Steps,
  input: OperationInput,
  read: (saga: Saga) => Promise<OperationResult>,
): Promise<OperationResult> {
  const runtime = new WorkflowRuntime(steps, input);
  const seat = await takeSeat(steps, input, (pause) => runtime.park(pause));
  const result = bounded('result' in seat ? runtime.unseated(seat.result) : await read(runtime.begin(seat.input)));
  await CancellationScope.nonCancellable(async () => {
    if ('input' in seat) await tellLedger(seat.input, result);
    await runtime.finish(result);
  });
  if (result.outcome === 'done' || result.outcome === 'degraded') return result;
  throw ApplicationFailure.create({
    message: result.reason,
    type: result.outcome,
    nonRetryable: true,
    details: [result],
  });
}

class WorkflowRuntime implements Runtime {
  readonly steps: Steps;
  #input: OperationInput;
  readonly #scope = CancellationScope.current();
  readonly #pages: Promise<void>[] = [];
  #removed = false;
  #gone = false;
  #late = false;
  #parks = 0;
  #parked: Park | undefined;
  #answer: ParkAnswer | undefined;

  constructor(steps: Steps, input: OperationInput) {
    this.steps = steps;
    this.#input = input;
    setHandler(beingRemovedSignal, () => {
      this.#removed = true;
    });
    setHandler(engineGoneSignal, () => {
      this.#gone = true;
      this.#removed = true;
    });
    setHandler(replySignal, ({ park, answer }) => {
      if (park === this.#parked?.number) this.#answer ??= answer;
    });
  }

  /** The reading of an operation whose engine is known. */
  begin(input: OperationInput): Saga {
    this.#input = input;
    return new Saga(input, this);
  }

  /** An operation that ended without an engine: what it leaves is for a person. */
  unseated(result: OperationResult): OperationResult {
    if (result.left.length > 0) this.page('its engine is not known', result.reason);
    return result;
  }

  async placed(engine: string): Promise<void> {
    const { gateway } = this.#input;
    if (gateway.place.engine === engine) return;
    await CancellationScope.nonCancellable(() => tellPlaced(this.#input, { engine }));
    this.#input = { ...this.#input, gateway: { ...gateway, place: { ...gateway.place, engine } } };
  }

  now(): number {
    return Date.now();
  }

  async sleep(ms: number, why: string): Promise<void> {
    setCurrentDetails(why);
    await sleep(ms, { summary: why });
  }

  async perform(step: string, doing: 'do' | 'undo', allowed: readonly string[] = []): Promise<Attempted<unknown>> {
    const row = this.steps[step];
    const activity = row?.[doing];
    if (!activity) throw ApplicationFailure.nonRetryable(`step "${step}" is unknown to this version of creel`, 'Bug');
    setCurrentDetails(doing === 'do' ? step : `undo ${step}`);
    const { limits, change, gateway } = this.#input;
    const policy = doing === 'do' ? doPolicy(row, limits) : undoPolicy(limits);
    const summary = doing === 'do' ? step : `undo ${step}`;
    const call = proxyActivities<AnyActivity>({ ...policy, ...queueOf(row, gateway.place), summary })[activity];
    if (!call) throw new Bug(`activity ${activity} has no proxy`);
    const told = {
      ...toldOf(this.#input, this.steps),
      ...(change && { change }),
      ...(allowed.length > 0 && { allowed }),
    };
    const answer = this.#input.forsakes ? this.#unlessGone(() => call(told)) : call(told);
    return this.#measured(step, doing, answer);
  }

  /** Measures how long an answer takes, beside whoever waits for it: nobody goes on a turn later for it. */
  #measured<T>(step: string, doing: 'do' | 'undo', answer: Promise<T>): Promise<T> {
    const begunAt = this.now();
    const measure = (outcome: string) => measureStep(step, doing, outcome, this.now() - begunAt);
    const kindOf = (error: unknown) => (isCancellation(error) ? 'Cancelled' : this.readFailure(error).kind);
    void answer.then(
      () => measure('done'),
      (error: unknown) => measure(kindOf(error)),
    );
    return answer;
  }

  /** The answer of the engine, or at once that it is gone for good: nobody would ever give it. */
  async #unlessGone<T>(ask: () => Promise<T>): Promise<T> {
    const gone = async (): Promise<never> => {
      await CancellationScope.nonCancellable(() => condition(() => this.#gone));
      const { engine } = this.#input.gateway.place;
      const message = `engine ${engine} is gone for good, by an operator's word`;
      throw ApplicationFailure.create({ message, type: 'Refused', nonRetryable: true, details: [{ attempt: 1 }] });
    };
    return this.#gone ? gone() : Promise.race([ask(), gone()]);
  }

  readFailure(error: unknown): Failure {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (cause instanceof ApplicationFailure) {
      const detail = cause.details?.[0] as { attempt?: number } | undefined;
      return { kind: cause.type ?? 'Error', message: cause.message, attempt: detail?.attempt };
    }
    const message = cause instanceof Error ? cause.message : String(cause);
    const kind = cause instanceof Error ? cause.name : 'Error';
    return { kind, message: `no end was reported (${message})`, attempt: undefined };
  }

  cancelled(): boolean {
    return this.#scope.consideredCancelled || this.#removed || this.#late;
  }

  async within<T>(ms: number, fn: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    const clock = new CancellationScope();
    const late = clock.run(async () => {
      await sleepWorked(ms, this.#input.limits.deadlineSlices ?? 1, `go back after ${Math.round(ms / 1000)} s of work`);
      this.#late = true;
      scope.cancel();
    });
    late.catch(() => undefined); // Only its cancellation below can end it early.
    try {
      return await scope.run(fn);
    } finally {
      clock.cancel();
    }
  }

  beingRemoved(): boolean {
    return this.#removed;
  }

  outOfTime(): boolean {
    return this.#late;
  }

  adopts(ability: Ability): boolean {
    return patched(ability);
  }

  async shielded<T>(fn: () => Promise<T>): Promise<T> {
    return CancellationScope.nonCancellable(async () => {
      const watch = new CancellationScope();
      const paging = watch.run(() => this.#pageWhenSlow());
      try {
        return await this.#untilRemoved(fn);
      } finally {
        watch.cancel();
        await paging.catch(() => undefined); // Only this cancellation can end it.
      }
    });
  }

  /** A removal ends the way back of a change: nobody needs a gateway that serves again. */
  async #untilRemoved<T>(fn: () => Promise<T>): Promise<T> {
    if (!this.#input.change) return fn();
    const scope = new CancellationScope();
    condition(() => this.#removed)
      .then(() => scope.cancel())
      .catch(() => undefined); // Whoever ends the run ends this wait too.
    return scope.run(fn);
  }

  async #pageWhenSlow(): Promise<void> {
    const { undoPageMs } = this.#input.limits;
    await sleep(undoPageMs, { summary: 'page a person when undoing takes longer' });
    this.page('undoing is slow', `undoing has not ended after ${Math.round(undoPageMs / 60_000)} minutes; it goes on`);
  }

  async park(pause: Pause): Promise<ParkAnswer | 'expired'> {
    const { gateway, number } = this.#input;
    const without: ParkAnswer = pause.doing === 'do' ? 'abort' : 'leave';
    if (gateway.spec.parkMs === 0) return without;
    this.#parks += 1;
    this.#answer = undefined;
    const now = this.now();
    const { step, doing, reason, answers } = pause;
    const until = new Date(now + gateway.spec.parkMs).toISOString();
    const park: Park = {
      number: `${number}.${this.#parks}`,
      step,
      doing,
      reason,
      since: new Date(now).toISOString(),
      until,
      answers,
    };
    await this.#show(park);
    const endsForRemoval = doing === 'do' || patched('a removal ends a parked undo');
    const parked = async () =>
      condition(() => this.#answer !== undefined || (endsForRemoval && this.#removed), gateway.spec.parkMs, {
        summary: `wait for an answer to park ${park.number}`,
      });
    try {
      await parked();
    } catch (error) {
      if (!this.cancelled()) throw error;
    }
    await CancellationScope.nonCancellable(() => this.#show(undefined));
    const ended = doing === 'do' ? this.cancelled() : this.#removed; // A way back goes on after a cancel.
    return this.#answer ?? (ended ? without : 'expired');
  }

  /** Shows, and tells the entity, that an operator is needed or no longer is. */
  async #show(park: Park | undefined): Promise<void> {
    this.#parked = park;
    upsertSearchAttributes([{ key: needsAttentionKey, value: park !== undefined }]);
    setCurrentDetails(park ? describePark(this.#input.gateway.mark.gateway, park) : 'going on');
    const { parent } = workflowInfo();
    if (parent) await getExternalWorkflowHandle(parent.workflowId).signal(parkedSignal, park);
    if (park) this.page(`${park.step} needs attention`, describePark(this.#input.gateway.mark.gateway, park));
  }

  page(title: string, text: string): void {
    const at = new Date(this.now()).toISOString();
    const { limits, gateway, number, kind } = this.#input;
    const operation = operationWorkflowId(gateway.mark.gateway, gateway.mark.birth, number, kind);
    const id = `${operation}/${this.#pages.length + 1}`;
    this.#pages.push(sendPage({ id, gateway: gateway.mark.gateway, title, text, at }, limits));
  }

  /** Ends only when every page has a run of its own: a page must not die with this one. */
  async finish(result: OperationResult): Promise<void> {
    setCurrentDetails(result.reason === '' ? result.outcome : `${result.outcome}: ${result.reason}`);
    await Promise.all(this.#pages);
  }
}
