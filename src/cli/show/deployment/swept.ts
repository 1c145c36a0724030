import type { Gone, Named, Reported, SweepResult } from '../../../wire/sweep.js';

/** What a sweep came to, or would, for people. */
export function sweptText(result: SweepResult): string {
  const { reason, dryRun, engines, unasked, foreign, removed, stopped, reported, counts } = result;
  const acted = !dryRun && reason === '';
  const things = engines.reduce((sum, each) => sum + each.things, 0);
  const lives = engines.reduce((sum, each) => sum + each.lives, 0);
  const went = removed.filter(({ stays }) => stays === undefined);
  const stay = removed.filter(({ stays }) => stays !== undefined);
  const others = Object.entries(foreign).map(([deployment, count]) => `${count} of deployment ${deployment}`);
  const verb = (done: string, would: string) => (acted ? done : would);
  return [
    `${things} things of ${lives} lives of gateways on ${engines.length} ${engines.length === 1 ? 'engine' : 'engines'}`,
    ...unasked.map(({ engine, reason: why }) => `not looked at: engine ${engine}: ${why}`),
    ...(others.length > 0 ? [`not ours, and left alone: ${others.join(', ')}`] : []),
    `${acted ? went.length : counts.remove} ${verb('removed', 'would be removed')}`,
    ...went.map((each) => goneLine(each)),
    ...more(went, acted ? went.length : counts.remove),
    ...stay.map((each) => `  ${thingOf(each)} stays: ${each.stays}`),
    ...(counts.stop > 0 ? [`${acted ? stopped.length : counts.stop} ${verb('stopped', 'would be stopped')}`] : []),
    ...stopped.map((each) => `  ${thingOf(each)}: no record speaks for it`),
    `${counts.report} reported, ${counts.news} of them new`,
    ...reported.map((each) => `  ${reportLine(each)}`),
    ...more(reported, counts.report),
    ...(reason === '' ? [] : [haltLine(result)]),
  ].join('\n');
}

function haltLine({ reason, counts, dryRun }: SweepResult): string {
  const goes = counts.remove + counts.stop;
  const stands = dryRun ? 'a sweep would halt and touch nothing' : 'halted, and nothing was touched';
  return `${stands}: ${reason}. \`creel sweep --may-go ${goes}\` carries it out; see docs/runbook.md#sweep-halted`;
}

function goneLine(thing: Gone): string {
  return `  ${thingOf(thing)}: ${thing.proof}`;
}

/** A thing that is reported, on one line. */
export function reportLine(thing: Reported): string {
  const { since } = thing;
  const known = since === undefined ? '' : `, since ${new Date(since).toISOString().replace(/\.\d+Z$/, 'Z')}`;
  return `${thingOf(thing)}${known}: ${thing.reason}`;
}

function thingOf({ kind, name, engine, state }: Named): string {
  return `${kind} ${name} on engine ${engine}${state ? ' (state)' : ''}`;
}

function more(named: readonly unknown[], count: number): string[] {
  return count > named.length ? [`  and ${count - named.length} more`] : [];
}
