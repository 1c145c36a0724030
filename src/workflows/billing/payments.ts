import type { Bill, Billed } from '../../wire/billing.js';
import { sendPage } from '../saga/page.js';
import type { GatewayState } from '../record/state.js';
import { hearBill } from './bill.js';
import { settle, type Whose } from './settle.js';

/** What a record does about the subscription that pays for its gateway; what it is refused, a person is told. */
export class Payments {
  readonly #whose: Whose;
  #pages: readonly Promise<void>[] = [];

  constructor(whose: Whose) {
    this.#whose = whose;
  }

  /** Takes a checked bill in, and begins what follows from it now. */
  hear(state: GatewayState, bill: Bill, now: number): Billed {
    const refused = state.paid?.refused;
    const billed = hearBill(this.#whose, state, bill, now);
    this.#settle(state, now, refused);
    return billed;
  }

  /** Begins what came due. */
  settle(state: GatewayState, now: number): void {
    this.#settle(state, now, state.paid?.refused);
  }

  /** Once every page has a run of its own: none dies with this one. */
  async finish(): Promise<void> {
    await Promise.all(this.#pages);
  }

  #settle(state: GatewayState, now: number, before: string | undefined): void {
    settle(state, this.#whose, now);
    const { account, refused } = state.paid ?? {};
    if (!account || refused === undefined || refused === before) return;
    const { gateway, limits } = this.#whose;
    const page = {
      id: `billing/${gateway}/${now}`,
      gateway,
      title: 'What a subscription comes to was refused',
      text: `subscription ${account.subscription}: ${refused}. It is tried again every ten minutes, and with whatever is told of it next; \`creel describe ${gateway}\` shows how it stands; see docs/runbook.md#paid-and-refused`,
      at: new Date(now).toISOString(),
    };
    this.#pages = [...this.#pages, sendPage(page, limits)];
  }
}
