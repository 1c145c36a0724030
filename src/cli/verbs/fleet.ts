import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { endFleet, fleetStatus, tellFleet } from '../../client/fleet.js';
import { fleetId } from '../../domain/fleet/fleet.js';
import { countsOf, type FleetEnd, type FleetStatus, type FleetOrder } from '../../wire/fleet.js';
import { exits, type Exit } from '../exit.js';
import { origin } from './provision.js';
import { verb, withTemporal } from '../verb.js';

/** How often a run over the fleet is polled; it lasts minutes. */
const paceMs = 1_000;

const meanings: Record<FleetOrder['word'], string> = {
  pause: 'let nobody else begin; what has begun goes on',
  resume: 'go on with a run that is paused',
  abort: 'let nobody else begin, and take back what has not begun',
};

/** `creel fleet status|pause|resume|abort`: a run over the whole fleet. */
export function fleetCommand() {
  const fleet = new Command('fleet').description('look at a run over the whole fleet, pause, resume or abort it');
  fleet.addCommand(statusCommand());
  for (const word of ['pause', 'resume'] as const) fleet.addCommand(orderCommand(word));
  fleet.addCommand(abortCommand());
  return fleet;
}

function statusCommand() {
  return verb('status', 'show how a run stands, and by name those that failed', [
    'creel fleet status 5f3a09bc',
    'creel fleet status 5f3a09bc --follow',
  ])
    .argument('<run>', 'its name, as said when it began')
    .option('--follow', 'until it has ended')
    .action(async (rawRun, options) => {
      const run = fleetId(rawRun);
      const json = options.json === true;
      await withTemporal(options, async (client) => {
        if (options.follow) process.exitCode = await followFleet(client, run, json);
        else process.exitCode = show(await fleetStatus(client, run), json);
      });
    });
}

function orderCommand(word: FleetOrder['word']) {
  return verb(word, meanings[word], [`creel fleet ${word} 5f3a09bc`])
    .argument('<run>', 'its name, as said when it began')
    .action(async (rawRun, options) => {
      const run = fleetId(rawRun);
      await withTemporal(options, async (client) => {
        await tellFleet(client, run, { word, origin: origin() });
        const status = await fleetStatus(client, run);
        process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : `${headline(status)}\n`);
      });
    });
}

function abortCommand() {
  return verb('abort', meanings.abort, [
    'creel fleet abort 5f3a09bc',
    'creel fleet abort 5f3a09bc --force    one that answers nobody: it ends at once',
  ])
    .argument('<run>', 'its name, as said when it began')
    .option('--force', 'end its run without asking it; what it has asked for goes on in each gateway')
    .action(async (rawRun, options) => {
      const run = fleetId(rawRun);
      await withTemporal(options, async (client) => {
        if (options.force) await endFleet(client, run, `ended by force by ${origin()}`);
        else await tellFleet(client, run, { word: 'abort', origin: origin() });
        const status = await fleetStatus(client, run);
        process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : `${headline(status)}\n`);
      });
    });
}

/** Shows each named gateway as it reaches its end, until the run has ended. Ctrl-C leaves the run going. */
export async function followFleet(client: Client, run: string, json: boolean): Promise<Exit> {
  const said = new Set<string>();
  let before = '';
  for (;;) {
    const status = await fleetStatus(client, run);
    const line = json ? JSON.stringify(status) : headline(status);
    const ends = json ? [] : status.ends.filter(({ gateway, end }) => end !== 'left out' && !said.has(gateway));
    for (const each of ends) process.stdout.write(`${endLine(each)}\n`);
    for (const { gateway } of ends) said.add(gateway);
    if (line !== before) process.stdout.write(`${line}\n`);
    before = line;
    if (status.phase === 'ended') return fleetExit(status);
    await sleep(paceMs);
  }
}

function show(status: FleetStatus, json: boolean): Exit {
  const lists = [...status.open.map((id) => `  ${id}: open`), ...status.waiting.map((id) => `  ${id}: waiting`)];
  const lines = [headline(status), ...status.ends.map(endLine), ...more(status), ...lists];
  process.stdout.write(json ? `${JSON.stringify(status)}\n` : `${lines.join('\n')}\n`);
  return status.phase === 'ended' ? fleetExit(status) : exits.done;
}

function headline(status: FleetStatus): string {
  const { run, phase, reason, size, open, waiting, ahead = 0, change } = status;
  const counts = countsOf(status);
  const { done = 0, 'left out': leftOut = 0 } = counts;
  const others = Object.values(counts).reduce((sum, count) => sum + count, 0) - done - leftOut;
  const numbers = `${done} of ${size} done, ${others} not, ${open.length} open, ${waiting.length + ahead} waiting, ${leftOut} left out`;
  const why = reason === '' ? '' : `. Why: ${reason}`;
  return `run ${run} ${phase}: ${numbers}${why}${change === undefined ? '' : `. ${change}`}`;
}

/** How many gateways there are beyond those that are named. */
function more(status: FleetStatus): string[] {
  return Object.entries(countsOf(status)).flatMap(([kind, count]) => {
    const unnamed = count - status.ends.filter(({ end }) => end === kind).length;
    return unnamed > 0 ? [`  and ${unnamed} more: ${kind}`] : [];
  });
}

function endLine({ gateway, end, reason }: FleetEnd): string {
  return `  ${gateway}: ${end}${reason === '' ? '' : `: ${reason}`}`;
}

/** The exit code for the end of a run; a gateway removed in the meantime is nobody's failure. */
export function fleetExit(status: Pick<FleetStatus, 'reason' | 'ends' | 'counts'>): Exit {
  if (status.reason !== '') return exits.failed;
  const { done: _done, gone: _gone, 'left out': _leftOut, ...others } = countsOf(status);
  return Object.values(others).every((count) => count === 0) ? exits.done : exits.attention;
}
