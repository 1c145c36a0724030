import { Refused } from '../../src/domain/errors.js';

/** The message with which something is refused; anything but a refusal is passed on or is an error. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
