import { Refused } from '../../domain/errors.js';
import { messagesForAnswers, messagesForRequests, messagesMost } from '../../domain/thresholds.js';
import { isRemoval } from '../record/queued.js';
import { openOperations, type GatewayState } from '../record/state.js';
import type { Limits } from '../../wire/limits.js';
import type { Request } from '../../wire/requests.js';

/** What was said to one run of a record. The server counts as well, and hears nobody any more at its own limit. */
export class Hearing {
  readonly #most: number;
  #said = 0;

  constructor({ words = messagesMost }: Limits) {
    this.#most = words;
  }

  /** Somebody was heard. */
  count(): void {
    this.#said += 1;
  }

  /** Whether the next run should begin as soon as it may: it counts anew. */
  get many(): boolean {
    return this.#said >= this.#most * messagesForRequests;
  }

  /** A removal is heard to the end; a second one finds nothing to add. Anything else is `Refused` while there are many. */
  demandForRequest(state: GatewayState, request: Request): void {
    if (request.kind !== 'remove') return this.demandForWithdrawal(state);
    const heard = openOperations(state).some((each) => isRemoval(each) && (each.purge || !request.purge));
    if (heard && this.#said >= this.#most * messagesForAnswers) this.#refuse(state, 'its removal has been asked for');
  }

  demandForWithdrawal(state: GatewayState): void {
    if (this.many) this.#refuse(state, 'it hears removals, and answers to what it asks');
  }

  demandForAnswer(state: GatewayState): void {
    if (this.#said >= this.#most * messagesForAnswers) this.#refuse(state, 'it hears removals');
  }

  #refuse(state: GatewayState, until: string): never {
    const id = state.life?.gateway.mark.gateway ?? 'this gateway';
    throw new Refused(
      `${id} was told ${this.#said} things while one operation went on: until that one has ended ${until}. \`creel describe ${id}\` shows what holds it up`,
    );
  }
}
