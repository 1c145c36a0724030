import { randomBytes } from 'node:crypto';
import { Option } from '@commander-js/extra-typings';
import type { Flags } from '../../client/connect.js';
import { lookAtRecords, startFleet } from '../../client/fleet.js';
import { Refused } from '../../domain/errors.js';
import { fleetId, fleetPlan, type Fleet, type FleetPlan } from '../../domain/fleet/fleet.js';
import { fleetBeginMs, fleetMaxFailed, fleetWindow, fleetWindowUsual } from '../../domain/thresholds.js';
import { milliseconds } from '../../settings/spec.js';
import { fleetWorkflowId } from '../../wire/ids.js';
import { followFleet } from './fleet.js';
import { origin } from './provision.js';
import { uiLink } from '../show/ui-link.js';
import { withTemporal } from '../verb.js';

/** The options of a fleet rotation, beyond those of every verb. */
export const fleetOptions = {
  window: new Option('--window <number>', `gateways at once (default ${fleetWindowUsual}, at most ${fleetWindow})`),
  maxFailed: new Option('--max-failed <share>', `stop when more of the fleet fail (default ${fleetMaxFailed * 100}%)`),
  beginWithin: new Option(
    '--begin-within <duration>',
    'withdraw a rotation that has not begun by then (default 30 minutes)',
  ),
  dryRun: new Option(
    '--dry-run',
    'say what would be done; with --all who takes part in which order, and the rest with the reason, as recorded',
  ),
} as const;

type RotateAll = Flags & {
  readonly json?: true;
  readonly window?: string;
  readonly maxFailed?: string;
  readonly beginWithin?: string;
  readonly dryRun?: true;
  readonly requestId?: string;
  readonly detach?: true;
};

/** Rotates the fleet; with `--dry-run`, only says who would take part. */
export async function rotateAll(options: RotateAll): Promise<void> {
  const plan = planOf(options);
  const run = fleetId(options.requestId ?? randomBytes(4).toString('hex'));
  await withTemporal(options, async (client, target) => {
    const shown = { json: options.json === true, target };
    if (options.dryRun) {
      const fleet = await lookAtRecords(client, run);
      process.stdout.write(
        shown.json ? `${JSON.stringify(fleet)}\n` : fleetText(fleet, plan, options.requestId === undefined),
      );
      return;
    }
    await startFleet(client, run, plan, origin());
    const ui = uiLink(target, fleetWorkflowId(run));
    if (shown.json && options.detach) process.stdout.write(`${JSON.stringify({ run, ...(ui && { ui }) })}\n`);
    if (!shown.json)
      process.stdout.write(
        `rotate the fleet: run ${run}. Look again with: creel fleet status ${run}\n${ui === undefined ? '' : `${ui}\n`}`,
      );
    if (!options.detach) process.exitCode = await followFleet(client, run, shown.json);
  });
}

/** The plan of a run over the fleet, as the flags give it, or `Refused`. */
export function planOf({ window, maxFailed, beginWithin }: RotateAll): FleetPlan {
  return fleetPlan({
    window: window === undefined ? fleetWindowUsual : whole('--window', window),
    maxFailed: maxFailed === undefined ? fleetMaxFailed : share(maxFailed),
    beginWithinMs: beginWithin === undefined ? fleetBeginMs : milliseconds('--begin-within', beginWithin),
  });
}

function whole(option: string, text: string): number {
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  throw new Refused(`${option} ${JSON.stringify(text)} is not a whole number. For example: 5`);
}

function share(text: string): number {
  const [, percent] = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text) ?? [];
  if (percent === undefined || Number(percent) > 100)
    throw new Refused(`--max-failed ${JSON.stringify(text)} is not a share: write it in percent. For example: 10%`);
  return Number(percent) / 100;
}

function fleetText({ members, leftOut, silent = [] }: Fleet, plan: FleetPlan, unnamed: boolean): string {
  const order = unnamed ? ' (each run has an order of its own; --request-id fixes it)' : '';
  return [
    `${members.length} take part, ${plan.window} at once after the first, in this order${order}:`,
    ...members.map(({ gateway, birth }, index) => `  ${index + 1}. ${gateway} (birth ${birth})`),
    `${leftOut.length} do not:`,
    ...leftOut.map(({ gateway, reason }) => `  ${gateway}: ${reason}`),
    ...(silent.length > 0 ? [`${silent.length} count as failed from the start:`] : []),
    ...silent.map(({ gateway, reason }) => `  ${gateway}: ${reason}`),
    'nothing was asked of anybody\n',
  ].join('\n');
}
