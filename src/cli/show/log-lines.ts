import type { LogRead } from '../../client/read-log.js';

/** A piece of a log for people: the lines as they are, and what creel has to say before and after them. */
export function plainLines(
  id: string,
  { lines, lost = 0, hasGap, news, end }: LogRead,
): { before: string[]; text: string[]; after: string[] } {
  const before = [
    ...(hasGap ? [`creel: lines are missing here: the engine of ${id} had thrown them away`] : []),
    ...(lost > 0
      ? [`creel: ${lost} line${lost === 1 ? ' is' : 's are'} left out here: they came faster than they were read`]
      : []),
  ];
  const after = [
    ...(news === undefined ? [] : [`creel: ${sentences[news](id)}`]),
    ...(end === 'removed' ? [`creel: ${id} was removed, its log ends here`] : []),
  ];
  return { before, text: lines.map(({ text }) => text), after };
}

/** The same for programs, one JSON a line, in the order in which it happened. */
export function jsonLines(gateway: string, { lines, lost = 0, hasGap, news, end }: LogRead): string[] {
  const told = [
    ...(hasGap ? [{ gateway, gap: true }] : []),
    ...(lost > 0 ? [{ gateway, lost }] : []),
    ...lines.map((line) => ({ gateway, ...line })),
    ...(news === undefined ? [] : [news === 'away' ? { gateway, engine: news } : { gateway, container: news }]),
    ...(end === 'removed' ? [{ gateway, container: 'removed' }] : []),
  ];
  return told.map((each) => JSON.stringify(each));
}

const sentences = {
  stopped: (id: string) => `the container of ${id} does not run; waiting for it`,
  started: (id: string) => `the container of ${id} runs again`,
  away: (id: string) => `the engine of ${id} does not answer; waiting for it`,
  replaced: (id: string) => `${id} has another container now; its log begins here`,
};
