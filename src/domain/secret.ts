import { inspect } from 'node:util';

/**
 * A value that must never be written down. Printing, logging, serialising and inspecting show `[secret]`;
 * only `reveal` gives the value, at the place that uses it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. It must not outlive the call that needs it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
