import type { Activities } from '../../activities/activities.js';
import type { Answer } from '../../wire/answer.js';
import type { Limits } from '../../wire/limits.js';

/** A step of a gateway: exactly one activity, and the one that undoes it. */
export type Step<Activity extends string = string> = {
  readonly do: Activity;
  /** Absent where nothing is left behind: the reason stands beside each. */
  readonly undo?: Activity;
  /** An operator may skip it; a gateway without it is `degraded`. */
  readonly optional?: true;
  /** How long it may take: `act` creates, `wait` waits for the gateway, `fetch` may load an image. */
  readonly pace: 'act' | 'wait' | 'fetch';
  /** Its refusal is a question to an operator, also within a change. */
  readonly asks?: true;
  /** An operator may let its refusal pass: exactly the sentence that is shown. */
  readonly allows?: true;
  /** It only waits, for a person or a device: in slots of its own, where nobody's work waits behind it. */
  readonly waits?: true;
  /** How often it may be tried at most, where each try costs something. */
  readonly attempts?: number;
  /** What goes missing under it ends its operation: the list never begins again from the top, because its beginning asks for a gateway that serves. */
  readonly once?: true;
  /** The step whose undo also takes back the effect of this one: a lost attempt of either is waited for before that undo. */
  readonly undoneBy?: string;
  /** Its undo may delete the only copy of a state: it runs when no attempt of the operation can land any more. */
  readonly undoneLast?: true;
  /** It is about the gateway's own machine and not about what is on it: where the machine goes, this alone is undone, and the engine there may answer nobody, yet or any more. */
  readonly ofMachine?: true;
  /** It holds the customer's data: a removal that keeps the state leaves it alone. */
  readonly holdsState?: true;
};

/** Steps by their names, which are for ever. */
export type Steps = Readonly<Record<string, Step>>;

/** The same of an operation that tells its steps this: another activity does not compile. */
export type StepsTaking<Told, Name extends string = string> = Readonly<Record<Name, Step<Taking<Told>>>>;

/** The activities that answer as a step does and take what they are told. */
type Taking<Told> = {
  [K in keyof Activities]: Activities[K] extends (told: Told) => Promise<Answer | void> ? K : never;
}[keyof Activities];

/** How long one attempt of a step may run (ms). */
export function startToClose(step: Step | undefined, { actMs, waitMs, fetchMs }: Limits): number {
  return { act: actMs, wait: waitMs, fetch: fetchMs }[step?.pace ?? 'act'];
}
