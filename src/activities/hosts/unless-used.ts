import { Away, NotYet } from '../../domain/errors.js';

/** Why the engine does not let a thing go: whatever uses it is somebody's, or goes at the next sweep. */
export async function unlessUsed(remove: () => Promise<void>): Promise<string | undefined> {
  try {
    await remove();
    return undefined;
  } catch (error) {
    if (error instanceof NotYet && !(error instanceof Away)) return error.message;
    throw error;
  }
}
