import type { Living } from '../../domain/gateway/life.js';
import { lookedDown, lookStep } from './look-again.js';
import { startToClose, type Step, type Steps } from './step.js';
import { readAnswer, type Told } from '../../wire/answer.js';
import type { Attempted, Entered, Left, OperationInput, OperationResult, Proof } from '../../wire/operation.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import type { ParkAnswer } from '../../wire/park.js';

/** How a call to a step ended when it did not succeed. `attempt` is absent when nobody reported the end. */
export type Failure = { readonly kind: string; readonly message: string; readonly attempt: number | undefined };

/** What a step that waits for an operator shows. */
export type Pause = {
  readonly step: string;
  readonly doing: 'do' | 'undo';
  readonly reason: string;
  readonly answers: readonly ParkAnswer[];
};

/** What the saga needs around it: Temporal in a workflow, virtual time and injected faults in `proveSaga`. */
export interface Runtime {
  /** The steps that this version knows, by their names. */
  readonly steps: Steps;
  now(): number;
  /** A durable pause. */
  sleep(ms: number, why: string): Promise<void>;
  /** Runs the step's activity or its undo with the limits of the operation. */
  perform(step: string, doing: 'do' | 'undo', allowed?: readonly string[]): Promise<Attempted<unknown>>;
  /** Reads what `perform` threw. */
  readFailure(error: unknown): Failure;
  /** Whether the operation was cancelled: read from the scope, never from an error. */
  cancelled(): boolean;
  /** Whether the gateway is being removed: then nothing needs to be waited for or proved. */
  beingRemoved(): boolean;
  /** Runs to its end even when the operation is cancelled; when that takes long, a person is paged and it goes on. */
  shielded<T>(fn: () => Promise<T>): Promise<T>;
  /** The gateway stands on this engine from now on: what touches it is told so, and its record. */
  placed(engine: string): Promise<void>;
  /** Waits for an operator's word; `expired` when the limit of the spec passes. Without a limit the last of the answers, at once. */
  park(pause: Pause): Promise<ParkAnswer | 'expired'>;
  /** Tells a person; the saga goes on. */
  page(title: string, text: string): void;
  /** Runs `fn`; what is not finished by then counts as cancelled. */
  within<T>(ms: number, fn: () => Promise<T>): Promise<T>;
  /** Whether the limit of `within` has passed: then it was no person who cancelled. */
  outOfTime(): boolean;
  /** Whether this run began with a version that does this: what an older one began goes on as it began. */
  adopts(ability: Ability): boolean;
}

/** What later versions of the saga do, by names that are a format: histories keep them. */
export type Ability =
  | 'tell of its end'
  | 'look after going back'
  | 'settle before the last copy goes'
  | 'ask once more before it is left';

/** How a change is read, where it is not as most are. */
export type Manner = {
  /** How long it may work until it goes back (ms); absent where the whole has no limit. */
  readonly limitMs?: number;
  /** Nobody looks at the gateway when it came to nothing: it was never touched. */
  readonly looks?: false;
  /** As what a person hears that it came to nothing; `false`: nobody does. */
  readonly told?: string | false;
};

/** Steps that help a removal and do not hold it up: before anything is undone, and when nothing is left. */
export type Asides = { readonly before?: string; readonly after?: string };

type Outcome = { readonly ok: true } | Unfinished;
type Unfinished = { readonly ok: false; readonly step: string; readonly failure: Failure };

/** Which undos failed, and whether what they undid may still come back. */
type Undone = { readonly failed: ReadonlyMap<string, Failure>; readonly unsettled: boolean };

/** What an unwind left, and whether a removal cut it short: then what it had not come to is still to be undone. */
type Unwound = { readonly left: readonly Left[]; readonly cut: boolean };

/**
 * One reading of a gateway's list. It remembers every step before its `do` runs, because a failed attempt may still have
 * taken effect, and never forgets one while it lives.
 */
export class Saga {
  readonly #input: OperationInput;
  readonly #runtime: Runtime;
  readonly #entered = new Map<string, number>();
  readonly #skipped: string[] = [];
  readonly #proofs: Proof[] = [];
  readonly #allowed: string[] = [];
  readonly #told: string[] = [];
  #deviceId: string | undefined;
  #down: string | undefined;
  #unanswered: string | undefined;
  #record: GatewayRecord | undefined;
  #keptRelease: string | undefined;
  #vanished = false;
  #undosOutUntil = 0;
  #changing = false;
  #aborted = false;
  /** Whether what this operation undoes goes with the gateway's own machine, all of it. */
  readonly #machineGoes: boolean;

  constructor(input: OperationInput, runtime: Runtime) {
    this.#input = input;
    this.#runtime = runtime;
    this.#machineGoes = input.steps.some((step) => this.#row(step)?.ofMachine && this.#row(step)?.undo);
    for (const { step, unsettledUntil } of input.entered) this.#entered.set(step, unsettledUntil);
  }

  /** Reads the list forward and, when it cannot be finished, undoes everything that was ever entered: the operation that begins a life. */
  async begin(): Promise<OperationResult> {
    const outcome = await this.#readForward();
    if (outcome.ok) return this.#finished();
    const { left } = await this.#unwind(this.#input.steps);
    this.#tell(`${this.#input.kind} failed`, outcome);
    return this.#result(left.length > 0 ? 'left' : 'undone', sentence(outcome), left);
  }

  /** Reads the list forward over a life that exists. Whatever ends it, what existed stays. */
  async repair(): Promise<OperationResult> {
    const outcome = await this.#readForward();
    if (outcome.ok) return this.#finished();
    this.#tell(`${this.#input.kind} failed`, outcome);
    return this.#result('stopped', sentence(outcome), []);
  }

  /**
   * Reads the list forward over a life that exists, within a limit if there is one; when it cannot be finished, what it entered itself is
   * undone, newest first, the gateway is looked at, and a person hears of it. A removal needs no gateway that serves again: it ends the
   * way back where it is, and what was not undone by then is the removal's to put back.
   */
  async change({ limitMs, looks, told = `${this.#input.kind} went back` }: Manner = {}): Promise<OperationResult> {
    this.#changing = true;
    const read = () => this.#readForward();
    const outcome = await (limitMs === undefined ? read() : this.#runtime.within(limitMs, read));
    if (outcome.ok) return this.#finished();
    if (this.#runtime.beingRemoved()) return this.#result('stopped', sentence(outcome), []);
    const entered = this.#input.steps.some((step) => this.#entered.has(step) && this.#row(step)?.undo !== undefined);
    const { left, cut } = await this.#unwind(this.#input.steps);
    if (cut) return this.#result('stopped', `${sentence(outcome)}; ${cutShort}`, []);
    if (left.length === 0 && looks !== false) await this.#lookAgain();
    this.#tellOfChange(outcome, entered, told);
    return this.#result(left.length > 0 ? 'left' : 'undone', sentence(outcome), left);
  }

  /** Undoes the steps of the list, newest first, and does what is to be done beside that. */
  async cleanUp({ before, after }: Asides = {}): Promise<OperationResult> {
    if (before !== undefined) await this.#ask(before);
    const { left, cut } = await this.#unwind(this.#input.steps);
    if (cut) return this.#result('stopped', cutShort, []);
    if (after !== undefined && left.length === 0) await this.#ask(after);
    const reason = left.map((each) => `${each.step}: ${each.reason}`).join('; ');
    return this.#result(left.length > 0 ? 'left' : 'done', reason, left);
  }

  /** What helps a removal and does not hold it up: where it fails, an undo says so, or the record stands for what is kept. */
  async #ask(step: string): Promise<void> {
    try {
      const { value } = await this.#runtime.shielded(() => this.#runtime.perform(step, 'do'));
      this.#note(step, value);
    } catch (error) {
      const { message } = this.#runtime.readFailure(error);
      this.#note(step, `not done: ${message}`);
    }
  }

  /** What a way back has proved says nothing of a change that had nothing to undo: the gateway is asked. */
  async #lookAgain(): Promise<void> {
    if (this.#down !== undefined) return;
    if (!this.#runtime.adopts('look after going back')) return;
    try {
      const { value } = await this.#runtime.shielded(() => this.#runtime.perform(lookStep, 'do'));
      this.#note(lookStep, value);
    } catch (error) {
      if (this.#runtime.beingRemoved()) return;
      const { mark } = this.#input.gateway;
      this.#down = lookedDown(this.#runtime.readFailure(error).message, mark.gateway);
    }
  }

  /** What an older version began tells only of what it had to undo. */
  #tellOfChange(outcome: Unfinished, entered: boolean, told: string | false): void {
    if (!this.#runtime.adopts('tell of its end')) {
      if (entered) this.#runtime.page(`${this.#input.kind} went back`, sentence(outcome));
    } else if (told !== false) this.#tell(told, outcome, this.#down);
  }

  /** Tells a person how it ended, once: not one who ended it, and nobody when a removal did. */
  #tell(title: string, outcome: Unfinished, more?: string): void {
    const { failure } = outcome;
    const byPerson = this.#aborted || (this.#runtime.cancelled() && !this.#runtime.outOfTime());
    if (byPerson || this.#runtime.beingRemoved() || this.#told.includes(failure.message)) return;
    if (!this.#runtime.adopts('tell of its end')) return;
    this.#runtime.page(title, more === undefined ? sentence(outcome) : `${sentence(outcome)}. Now ${more}`);
  }

  async #readForward(): Promise<Outcome> {
    for (let reading = 0; ; reading += 1) {
      const outcome = await this.#readOnce();
      if (outcome.ok || outcome.failure.kind !== 'StartOver') return outcome;
      if (reading >= this.#input.limits.startOvers) return outcome;
    }
  }

  async #readOnce(): Promise<Outcome> {
    for (const step of this.#input.steps) {
      if (this.#skipped.includes(step)) continue;
      const outcome = await this.#doStep(step);
      if (!outcome.ok) return outcome;
    }
    const last = this.#input.steps.at(-1) ?? '';
    return this.#runtime.cancelled() ? { ok: false, step: last, failure: cancelled } : { ok: true };
  }

  /** Does one step, asking an operator when retries cannot help. */
  async #doStep(step: string): Promise<Outcome> {
    let lastTry = false;
    for (;;) {
      if (this.#runtime.cancelled()) return { ok: false, step, failure: cancelled };
      const failure = await this.#try(step);
      if (!failure) return { ok: true };
      if (this.#runtime.cancelled() || failure.kind === 'StartOver') return { ok: false, step, failure };
      if (failure.kind === 'Foreign' || failure.kind === 'Bug') this.#tellOfFinding(step, failure);
      if (lastTry || !this.#mayPark(step)) return { ok: false, step, failure };
      const answers = answersOf(this.#row(step));
      const answer = await this.#runtime.park({ step, doing: 'do', reason: failure.message, answers });
      if (answer === 'skip') return this.#skip(step);
      if (answer === 'allow') this.#allowed.push(failure.message);
      if (answer === 'abort' || this.#runtime.cancelled()) return this.#abort(step, failure);
      lastTry = answer === 'expired'; // a limit that passes asks the world once more before it decides
    }
  }

  /** A change goes back at once, because the gateway serves meanwhile; only a question to an operator waits for an answer. */
  #mayPark(step: string): boolean {
    return !this.#changing || this.#row(step)?.asks === true;
  }

  #tellOfFinding(step: string, failure: Failure): void {
    this.#told.push(failure.message);
    this.#runtime.page(`${step}: ${failure.kind}`, failure.message);
  }

  /** Where the spec allows no wait, nobody was asked. */
  #abort(step: string, failure: Failure): Outcome {
    this.#aborted = this.#input.gateway.spec.parkMs > 0;
    return { ok: false, step, failure };
  }

  #skip(step: string): Outcome {
    this.#skipped.push(step);
    return { ok: true };
  }

  async #try(step: string): Promise<Failure | undefined> {
    const before = this.#entered.get(step) ?? 0;
    this.#entered.set(step, before);
    try {
      const { attempt, value } = await this.#runtime.perform(step, 'do', this.#allowed);
      this.#remember(step, before, attempt);
      const { engine } = this.#note(step, value);
      if (engine !== undefined) await this.#runtime.placed(engine);
      return undefined;
    } catch (error) {
      const failure = this.#runtime.readFailure(error);
      this.#remember(step, before, failure.attempt);
      return failure.kind === 'StartOver' && this.#row(step)?.once ? { ...failure, kind: 'Refused' } : failure;
    }
  }

  #note(step: string, answer: unknown): Told {
    const told = readAnswer(step, answer);
    if (told.proof !== undefined)
      this.#proofs.push({ at: new Date(this.#runtime.now()).toISOString(), step, proof: told.proof });
    if ('down' in told) this.#down = told.down;
    this.#unanswered = told.unanswered ?? this.#unanswered;
    this.#deviceId = told.deviceId ?? this.#deviceId;
    this.#keptRelease = told.keptRelease ?? this.#keptRelease;
    this.#vanished ||= told.vanished === true;
    this.#record = told.record ?? this.#record;
    return told;
  }

  /** An end told as attempt 1's is the only end there can be; any other leaves a lost attempt that may still take effect. */
  #remember(step: string, before: number, attempt: number | undefined): void {
    const { limits } = this.#input;
    const unsettledUntil =
      attempt === 1 ? 0 : this.#runtime.now() + startToClose(this.#row(step), limits) + limits.settleMs;
    this.#entered.set(step, Math.max(before, unsettledUntil));
  }

  /** Undoes what was entered of these steps; never cancelled, and done once more when a late effect was possible. */
  async #unwind(steps: readonly string[]): Promise<Unwound> {
    return this.#runtime.shielded(async () => {
      const undoable = steps.filter((step) => this.#entered.has(step) && this.#row(step)?.undo).toReversed();
      const { failed, unsettled } = await this.#undoSettled(undoable);
      const ends: (Left | 'undone' | 'cut')[] = [];
      for (const [step, failure] of failed) ends.push(await this.#insistIn(step, failure, ends.includes('undone')));
      const left = ends.filter((end) => typeof end !== 'string');
      const cut = ends.includes('cut') || (unsettled && this.#isCut());
      if (!unsettled && !cut)
        for (const step of undoable) if (!left.some((each) => each.step === step)) this.#entered.delete(step);
      return { left, cut };
    });
  }

  /**
   * Undoes them all, and once more when no lost attempt can be out any more. What may be the only copy goes only then. What is not
   * settled because of a removal is waited for by that removal, which undoes it again.
   */
  async #undoSettled(undoable: readonly string[]): Promise<Undone> {
    const until = this.#unsettledUntil(undoable);
    const isOut = until > this.#runtime.now() && this.#runtime.adopts('settle before the last copy goes');
    const [last, first] = isOut ? this.#undoneLast(undoable) : [[], undoable];
    let failed = await this.#undoAll(first);
    const wait = (isOut ? until : this.#ownUnsettledUntil(undoable)) - this.#runtime.now();
    if (!isOut && wait <= 0) return { failed, unsettled: false };
    if (this.#runtime.beingRemoved())
      return { failed: new Map([...failed, ...(await this.#undoAll(last))]), unsettled: true };
    await this.#settle(wait);
    failed = await this.#undoAll(undoable);
    return { failed, unsettled: false };
  }

  /** Those whose undo comes last, and the others: where the state goes as well, there is no copy to be careful of. */
  #undoneLast(steps: readonly string[]): [string[], string[]] {
    const isLast = (step: string) =>
      this.#row(step)?.undoneLast === true && !toldOf(this.#input, this.#runtime.steps).purging;
    return [steps.filter(isLast), steps.filter((step) => !isLast(step))];
  }

  /** Until when a lost attempt may be out of what these undos take back. */
  #unsettledUntil(undoable: readonly string[]): number {
    const taken = [...this.#entered].filter(([step]) => undoable.includes(this.#row(step)?.undoneBy ?? step));
    return Math.max(0, ...taken.map(([, unsettledUntil]) => unsettledUntil));
  }

  /** The same of these very steps alone: all that an older version waited for. */
  #ownUnsettledUntil(undoable: readonly string[]): number {
    return Math.max(0, ...undoable.map((step) => this.#entered.get(step) ?? 0));
  }

  /** Whether a removal ends this way back: it is told so, and every call is cancelled from then on. */
  #isCut(): boolean {
    return this.#input.change !== undefined && this.#runtime.beingRemoved();
  }

  async #settle(ms: number): Promise<void> {
    if (ms <= 0) return;
    try {
      await this.#runtime.sleep(ms, 'settle: a lost attempt may still take effect');
    } catch (error) {
      if (!this.#isCut()) throw error;
    }
  }

  async #undoAll(steps: readonly string[]): Promise<Map<string, Failure>> {
    const failed = new Map<string, Failure>();
    for (const step of steps) {
      const failure = this.#isCut() ? cancelled : await this.#undo(step);
      if (failure) failed.set(step, failure);
    }
    return failed;
  }

  /** What is on the gateway's own machine goes with it, and is asked of nobody: the machine may answer no more. */
  async #undo(step: string): Promise<Failure | undefined> {
    if (this.#machineGoes && this.#row(step)?.ofMachine !== true) return undefined;
    try {
      const { attempt, value } = await this.#runtime.perform(step, 'undo');
      this.#rememberUndo(attempt);
      this.#note(`undo ${step}`, value);
      return undefined;
    } catch (error) {
      const failure = this.#runtime.readFailure(error);
      this.#rememberUndo(failure.attempt);
      return failure;
    }
  }

  /** A lost attempt of an undo harms nothing that is undone, but the operation that comes next. */
  #rememberUndo(attempt: number | undefined): void {
    const { undoMs, settleMs } = this.#input.limits;
    if (attempt !== 1) this.#undosOutUntil = this.#runtime.now() + undoMs + settleMs;
  }

  /** One that may only have waited for another asks the world again when that one has come to its end, before it asks anybody. */
  async #insistIn(step: string, failure: Failure, mended: boolean): Promise<Left | 'undone' | 'cut'> {
    const asks = mended && !this.#isCut() && this.#runtime.adopts('ask once more before it is left');
    const first = asks ? await this.#undo(step) : failure;
    return first ? this.#insist(step, first) : 'undone';
  }

  /** A wait that is over asks the world once more before anything is left. */
  #triesAgain(answer: ParkAnswer | 'expired'): boolean {
    return answer === 'retry' || (answer === 'expired' && this.#runtime.adopts('ask once more before it is left'));
  }

  /** An undo that retries cannot help waits for an operator; what is left in the end is named. */
  async #insist(step: string, first: Failure): Promise<Left | 'undone' | 'cut'> {
    let failure = first;
    for (;;) {
      if (this.#isCut()) return 'cut';
      this.#runtime.page(`undo ${step}: ${failure.kind}`, failure.message);
      const answer = this.#runtime.beingRemoved()
        ? 'leave'
        : await this.#runtime.park({ step, doing: 'undo', reason: failure.message, answers: ['retry', 'leave'] });
      if (this.#isCut()) return 'cut';
      if (!this.#triesAgain(answer)) return { step, kind: failure.kind, reason: failure.message };
      const again = await this.#undo(step);
      if (!again) return 'undone';
      failure = again;
      if (answer === 'expired') return this.#isCut() ? 'cut' : { step, kind: failure.kind, reason: failure.message };
    }
  }

  /** What this version knows of a step; undefined of one that only another version has. */
  #row(step: string): Step | undefined {
    return this.#runtime.steps[step];
  }

  #finished(): OperationResult {
    return this.#result(
      this.#skipped.length > 0 ? 'degraded' : 'done',
      this.#skipped.map((step) => `${step} was skipped`).join('; '),
      [],
    );
  }

  /** Until when a lost attempt may land in what comes next: of an undo, or of what a change has done, which nothing of it takes back any more. */
  #outUntil(outcome: OperationResult['outcome']): number {
    const isDone = this.#changing && (outcome === 'done' || outcome === 'degraded');
    const done = [...this.#entered].filter(([step]) => isDone && this.#row(step)?.undo);
    return Math.max(this.#undosOutUntil, ...done.map(([, until]) => until));
  }

  #result(outcome: OperationResult['outcome'], reason: string, left: readonly Left[]): OperationResult {
    const entered: Entered[] = [...this.#entered].map(([step, unsettledUntil]) => ({ step, unsettledUntil }));
    const { tokenGeneration, keyId } = this.#input.gateway;
    const key = keyId === undefined ? {} : { keyId };
    const proofs = this.#proofs.length > 0 ? { proofs: [...this.#proofs] } : {};
    const skipped = [...this.#skipped];
    const device = this.#deviceId === undefined ? {} : { deviceId: this.#deviceId };
    const down = {
      ...(this.#down !== undefined && { down: this.#down }),
      ...(this.#unanswered !== undefined && { unanswered: this.#unanswered }),
    };
    const unsettledUntil = this.#outUntil(outcome);
    const unsettled = unsettledUntil > this.#runtime.now() && { unsettledUntil };
    const kept = {
      ...(this.#keptRelease !== undefined && { keptRelease: this.#keptRelease }),
      ...(this.#vanished && { vanished: true as const }),
    };
    const found = { record: this.#record, entered, skipped, left, tokenGeneration, ...key };
    return { outcome, reason, ...found, ...proofs, ...device, ...down, ...unsettled, ...kept };
  }
}

const cutShort = 'a removal came before its way back was at its end';

const cancelled: Failure = { kind: 'Cancelled', message: 'cancelled', attempt: 1 };

/** What an operator may say to a step that does not go on. */
function answersOf(step: Step | undefined): ParkAnswer[] {
  if (step?.allows) return ['retry', 'allow', 'abort'];
  return step?.optional ? ['retry', 'skip', 'abort'] : ['retry', 'abort'];
}

function sentence(outcome: Exclude<Outcome, { ok: true }>): string {
  return `${outcome.step}: ${outcome.failure.message}`;
}

/** What the steps of an operation are told of its gateway: also whether its state was kept before, so that nobody makes it anew, and whether it goes. */
export function toldOf({ gateway, entered, kind, steps }: Asked, rows: Steps): Living {
  const hadState = entered.some(({ step }) => rows[step]?.holdsState) && { hadState: true as const };
  const purging = kind === 'remove' && steps.some((step) => rows[step]?.holdsState) && { purging: true as const };
  return { ...gateway, ...hadState, ...purging };
}

type Asked = Pick<OperationInput, 'gateway' | 'entered' | 'kind' | 'steps'>;
