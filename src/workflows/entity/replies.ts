import { Refused } from '../../domain/errors.js';
import type { Park, Reply } from '../../wire/park.js';

/** What an operator may say to the operation of a gateway that waits for a word, and what was said. */
export class Replies {
  readonly #gateway: string;
  #replied: Reply | undefined;
  /** What the running operation waits for, if it does. */
  park: Park | undefined;

  constructor(gateway: string) {
    this.#gateway = gateway;
  }

  /** Holds a word against the park that is open, or `Refused`: its number, its answers. The same word twice is one. */
  check({ park: number, answer }: Reply): void {
    const { park } = this;
    const same = this.#replied?.park === number ? this.#replied : undefined;
    if (same?.answer === answer) return;
    if (same) throw new Refused(`park ${number} was answered with ${same.answer}`);
    if (park?.number !== number)
      throw new Refused(
        `park ${number} is not open${park ? `; ${park.number} is` : ''}. See \`creel describe ${this.#gateway}\``,
      );
    if (!park.answers.includes(answer))
      throw new Refused(`park ${number} takes ${park.answers.join(', ')}, not ${answer}`);
  }

  /** Takes a checked word; false when it was said before. */
  hear(reply: Reply): boolean {
    if (this.#replied?.park === reply.park) return false;
    this.#replied = reply;
    return true;
  }
}
