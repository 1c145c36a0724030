import { Option } from '@commander-js/extra-typings';
import { eachAtOnce } from '../client/apply/at-once.js';
import type { ApplyEnd, Asking } from '../client/apply/carry-on.js';
import { Refused } from '../domain/errors.js';
import { fleetWindow, fleetWindowUsual } from '../domain/thresholds.js';
import { exitOf, exits, type Exit } from './exit.js';
import { applyNdjson, applyPipe, applyTerminal, summaryText, type ApplyScreen } from './show/apply-progress.js';
import { origin } from './verbs/provision.js';

/** For how many gateways something is done at the same time. */
export const atOnceOption = new Option(
  '--at-once <number>',
  `gateways at the same time (default ${fleetWindowUsual}, at most ${fleetWindow})`,
);

/**
 * Carries every job out, so many at a time, and shows how it goes and what came of each. Ctrl-C leaves what has begun
 * running and begins nothing else.
 */
export async function carryOut(
  jobs: readonly ((asking: Asking) => Promise<ApplyEnd>)[],
  atOnce: number,
  json: boolean,
): Promise<ApplyEnd[]> {
  const ends = await carryOutOn(
    json ? applyNdjson() : process.stdout.isTTY ? applyTerminal() : applyPipe(),
    jobs,
    atOnce,
  );
  process.stdout.write(json ? `${JSON.stringify({ summary: countsOf(ends) })}\n` : `\n${summaryText(ends)}\n`);
  return ends;
}

async function carryOutOn(
  screen: ApplyScreen,
  jobs: readonly ((asking: Asking) => Promise<ApplyEnd>)[],
  atOnce: number,
): Promise<ApplyEnd[]> {
  const interrupt = () => {
    screen.close();
    process.stderr.write(
      'creel: what has begun goes on without you; nothing else begins. The same command again goes on from there\n',
    );
    process.exit(exits.interrupted);
  };
  process.once('SIGINT', interrupt);
  try {
    return await eachAtOnce(jobs, atOnce, async (job) => {
      const end = await job({ origin: origin(), hear: screen.hear });
      screen.ended(end);
      return end;
    });
  } finally {
    process.off('SIGINT', interrupt);
    screen.close();
  }
}

/** How many at the same time, as it was said, or `Refused`. */
export function atOnceOf(text: string | undefined): number {
  if (text === undefined) return fleetWindowUsual;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= fleetWindow) return Number(text);
  throw new Refused(`--at-once ${JSON.stringify(text)} is not a number from 1 to ${fleetWindow}. For example: 5`);
}

function countsOf(ends: readonly ApplyEnd[]): Partial<Record<ApplyEnd['end'], number>> {
  const counts: Partial<Record<ApplyEnd['end'], number>> = {};
  for (const { end } of ends) counts[end] = (counts[end] ?? 0) + 1;
  return counts;
}

/** The exit code for all of them: that of the one which ended worst. */
export function exitOfEnds(ends: readonly ApplyEnd[]): Exit {
  const each = new Set(ends.map(exitOfEnd));
  return worstFirst.find((exit) => each.has(exit)) ?? exits.done;
}

const worstFirst: readonly Exit[] = [
  exits.unexpected,
  exits.failed,
  exits.refused,
  exits.unreachable,
  exits.noWorker,
  exits.attention,
];

function exitOfEnd({ end, error }: ApplyEnd): Exit {
  if (error !== undefined) return exitOf(error);
  if (end === 'failed') return exits.failed;
  if (end === 'refused') return exits.refused;
  return end === 'attention' ? exits.attention : exits.done;
}
