import type { Change } from '../../domain/changes/change.js';
import type { Changing } from '../../domain/gateway/changing.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { Phase } from '../../wire/description.js';
import type { Limits } from '../../wire/limits.js';
import type { OperationInput, OperationResult } from '../../wire/operation.js';
import type { Manner } from '../saga/saga.js';
import type { Steps, StepsTaking } from '../saga/step.js';
import type { Life } from './life.js';
import type { GatewayState } from './state.js';

/** What every operation declares. Kind, workflow, phase and the names of its steps are formats: histories keep them. */
export type Operation = {
  readonly kind: string;
  /** The type of its run, as the Temporal UI shows it. */
  readonly workflow: string;
  /** What the gateway is called while it runs. */
  readonly phase: Phase;
  /** The rows of its steps. */
  readonly steps: Steps;
  /** What to type when it has ended so; absent where that is the same as for most. */
  readonly next?: {
    readonly done?: (gateway: string) => readonly string[];
    readonly left?: (gateway: string) => string;
  };
};

/** What tells requests from one another, and changes. */
type Kinded = { readonly kind: string };

/**
 * An operation over a living gateway, which undoes what it did when it cannot be finished: pure but for its steps. `Other` is what its
 * requests may come to beside its own change.
 */
export type ChangeOperation<
  Request extends Kinded = ChangeRequest,
  Wanted extends Kinded = Change,
  Other extends Kinded = never,
> = Operation & {
  /** The steps of such a change, whole and in their order. */
  list(change: Wanted): readonly string[];
  /** Holds a request against the record, or `Refused`. Changes nothing. Absent where it is never asked for by this kind. */
  check?(request: Request, life: Life): void;
  /** Decides what it comes to, from the record alone, and burns what must never be used twice; a sentence says why it comes to nothing any more. `number` is that of its operation. */
  plan?(state: GatewayState, life: Life, asked: Request, now: number, number: number): Wanted | Other | string;
  /** Puts into the record what a change that is done has come to. */
  apply(state: GatewayState, life: Life, change: Wanted, now: number, result: OperationResult): void;
  /** The limits of its run, where something of it may take longer than of others. */
  limits?(usual: Limits, change: Wanted): Limits;
  /** What is done when it came to nothing, where that is not what most do. */
  ending?(change: Wanted): Omit<Manner, 'limitMs'>;
  /** How long it may work until it goes back (ms); absent where each step has its limit and the whole has none. */
  within?(input: OperationInput): number;
};

/**
 * The same held together by the compiler: its kind is that of what it checks, plans and applies, and its steps and its list are held
 * against what its activities take. A request, a change, a name or an activity that does not fit does not compile.
 */
type Declared<Request extends Kinded, Wanted extends Kinded, Name extends string, Other extends Kinded> = Omit<
  ChangeOperation<Request, Wanted>,
  'kind' | 'steps' | 'list' | 'plan'
> & {
  readonly kind: NoInfer<Request['kind'] & Wanted['kind']>;
  readonly steps: StepsTaking<Changing<Wanted>, Name>;
  list(change: Wanted): readonly NoInfer<Name>[];
  plan?(
    state: GatewayState,
    life: Life,
    asked: Request,
    now: number,
    number: number,
  ): NoInfer<Wanted> | NoInfer<Other> | string;
};

/** Declares an operation over a living gateway. */
export function change<
  Request extends Kinded,
  Wanted extends Kinded,
  Name extends string,
  Other extends Kinded = never,
>(operation: Declared<Request, Wanted, Name, Other>): ChangeOperation<Request, Wanted, Other> {
  return operation;
}
