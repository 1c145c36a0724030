import { counted } from '../../../domain/amounts.js';
import { usdText } from '../../../domain/hosts/held.js';
import { readRegionKey, whereText } from '../../../domain/hosts/region.js';
import type { Gone, Named, Reported, SweepResult } from '../../../wire/sweep.js';

/** What a sweep came to, or would, for people. */
export function sweptText(result: SweepResult): string {
  const { reason, dryRun, engines, unasked, foreign, removed, stopped, reported, counts, savesUsd } = result;
  const acted = !dryRun && reason === '';
  const things = engines.reduce((sum, each) => sum + each.things, 0);
  const lives = engines.reduce((sum, each) => sum + each.lives, 0);
  const went = removed.filter(({ stays }) => stays === undefined);
  const stay = removed.filter(({ stays }) => stays !== undefined);
  const others = Object.entries(foreign).map(([deployment, count]) => `${count} of deployment ${deployment}`);
  const verb = (done: string, would: string) => (acted ? done : would);
  return [
    `${things} things of ${lives} lives of gateways on ${placesText(engines.map(({ engine }) => engine))}`,
    ...unasked.map(({ engine, reason: why }) => `not looked at: ${whereText(engine)}: ${why}`),
    ...(others.length > 0 ? [`not ours, and left alone: ${others.join(', ')}`] : []),
    `${acted ? went.length : counts.remove} ${verb('removed', 'would be removed')}`,
    ...(savesUsd === undefined ? [] : [`${verb('saves', 'would save')} ${usdText(savesUsd)} a month`]),
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

function thingOf({ kind, name, engine, at, state, monthlyUsd = 0 }: Named): string {
  const where = at?.host !== undefined ? `on machine ${at.host}` : at ? `in ${engine}` : `on engine ${engine}`;
  const notes = [...(state ? ['state'] : []), ...(monthlyUsd > 0 ? [`${usdText(monthlyUsd)} a month`] : [])];
  return `${kind} ${name} ${where}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function placesText(keys: readonly string[]): string {
  const regions = keys.filter((key) => readRegionKey(key)).length;
  const engines = counted(keys.length - regions, 'engine');
  return regions === 0 ? engines : `${engines} and in ${counted(regions, 'region')}`;
}

function more(named: readonly unknown[], count: number): string[] {
  return count > named.length ? [`  and ${count - named.length} more`] : [];
}
