import type { Account } from '../../domain/billing/account.js';
import type { Order } from '../../wire/billing.js';

/** What a record knows of the subscription that pays for its gateway. It outlives the gateway's lives. */
export type Paid = {
  readonly account: Account;
  /** When it was last heard of (epoch ms, by the server's clock). */
  readonly heardAt: number;
  /** What was paid for and is not carried out yet. */
  readonly order?: Order;
  /** When the newest of what was paid for was ordered (epoch ms, by the billing system's clock). */
  readonly orderedAt?: number;
  /** A gateway was begun for it: one that an operator removes is not begun again by the next invoice. */
  readonly begun?: true;
  /** Since when it was unpaid when it was suspended for that: once for each time. */
  readonly suspendedFor?: number;
  /** Until then (epoch ms) what it comes to is not asked for again. */
  readonly again?: number;
  /** Why what the account comes to was refused: a person has to look at it. */
  readonly refused?: string;
};
