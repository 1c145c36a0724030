import { Refused } from '../../../domain/errors.js';

/**
 * Notes, when a proof is `Refused`, which secrets a change gave, before it goes back: nothing but another change puts
 * them in force again, whatever is stored by then. The refusal counts, also where it could not be noted: another try
 * could cost something, and its sentence.
 */
export async function notedWhenRefused<T>(
  what: string,
  note: () => Promise<void>,
  prove: () => Promise<T>,
): Promise<T> {
  try {
    return await prove();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw await note().then(
      () => error,
      (other: unknown) => unnoted(error, what, other),
    );
  }
}

function unnoted(refused: Refused, what: string, cause: unknown): Refused {
  return new Refused(
    `${refused.message}. That could not be noted in its state: a repair before another ${what} is stored puts the same one in force again`,
    { cause },
  );
}
