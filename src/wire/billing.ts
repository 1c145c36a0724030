import type { Hearing, Notice, Standing, Terms } from '../domain/billing/account.js';
import type { GatewaySpec } from '../domain/gateway/spec.js';
import type { Place } from '../domain/hosts/place.js';

/** What is told to the gateway of a subscription: a notice, and what the plan that it is paid for comes to here. */
export type Bill = {
  readonly notice: Notice;
  readonly terms: Terms;
  /** What the plan gives; absent where the notice names none. */
  readonly order?: Order;
  /** Who tells it, for people. */
  readonly origin: string;
};

/** What a paid gateway is begun with, or becomes. */
export type Order = {
  readonly spec: GatewaySpec;
  readonly place: Place;
  /** The birth of the life that this begins, if it begins one. */
  readonly birth: string;
  readonly keyId?: string;
};

/** The answer to a bill, once it is on record. */
export type Billed = {
  readonly gateway: string;
  /** `forgotten`: it is older than what is remembered of whoever is gone, and nobody is known; nothing is begun by it. */
  readonly how: Hearing['how'] | 'forgotten';
  readonly standing: Standing;
  /** It is paid for, and nothing that was told says what for. */
  readonly lacks?: 'plan';
};
