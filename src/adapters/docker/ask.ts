import type Dockerode from 'dockerode';
import { request, type EngineAt } from './call.js';
import { answerOf, unexpected } from './errors.js';

/** A call that creates may take 30 s from start to close (design); a silent engine is reported before that. */
export const callMs = 25_000;

/** What was asked for does not exist: that is an answer, too. */
export const gone = Symbol('gone');

type Answer = { readonly status: number; readonly text: string };

/**
 * Asks an engine once. For an answer that is an error, `judge` returns the result, throws the error's kind, or leaves
 * it by returning undefined.
 */
export type Ask = <T, U = never>(
  what: string,
  run: (docker: Dockerode) => Promise<T>,
  judge?: (answer: Answer) => U | undefined,
  limitMs?: number,
) => Promise<T | U>;

/** How an engine is asked for everything that is not a stream. */
export function asking(at: EngineAt): Ask {
  return async (what, run, judge = () => undefined, limitMs = callMs) => {
    try {
      return await request(at, { what, limitMs }, run);
    } catch (error) {
      const answer = answerOf(error);
      const judged = answer && judge(answer);
      if (judged !== undefined) return judged;
      throw unexpected(error, what);
    }
  };
}
