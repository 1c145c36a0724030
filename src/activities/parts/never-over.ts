import { Refused, StartOver } from '../../domain/errors.js';

/** What goes missing under a replacement ends it: it never begins again from the top, because its beginning asks for a gateway that serves. */
export async function neverOver<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StartOver) throw new Refused(error.message, { cause: error });
    throw error;
  }
}
