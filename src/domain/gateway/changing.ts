import type { Gateway } from './gateway.js';

/** What every step of a change is told: the gateway on record, and what it is to become. */
export type Changing<C> = Gateway & {
  readonly change: C;
  /** Refusals, word for word, that an operator overrides. */
  readonly allowed?: readonly string[];
};
