import type { Client } from '@temporalio/client';
import { readDeployment } from '../../../client/deployment.js';
import { foreseeRecovery, recover, type Recovery } from '../../../client/recover.js';
import { recordedReleases } from '../../../client/releases.js';
import { counted } from '../../../domain/amounts.js';
import { Refused } from '../../../domain/errors.js';
import { readExport, type Export } from '../../../settings/export-file.js';
import { exits } from '../../exit.js';
import { verb, withTemporal } from '../../verb.js';
import { origin } from '../provision.js';

/** `creel recover`: the gateways of an export under control again, in a namespace that has lost their records. */
export function recoverCommand() {
  return verb('recover', 'take up the gateways of an export whose records are lost: each as it is, with its token', [
    'creel init --from creel.jsonl && creel worker      first: the namespace, and a worker beside each engine',
    'creel recover --from creel.jsonl --dry-run         who would be taken up, as far as records say it',
    'creel recover --from creel.jsonl                   again after an interruption: it goes on',
  ])
    .requiredOption('--from <file>', 'an export, as `creel export` or its schedule wrote it')
    .option('--dry-run', 'say who would be taken up; nothing is asked of any gateway')
    .action(async ({ from, dryRun, ...options }) => {
      const read = readExport(from);
      await withTemporal(options, async (client) => {
        await demandSame(client, read, from);
        if (dryRun) await plan(client, read, options.json === true);
        else await carryOut(client, read, options.json === true);
      });
    });
}

async function demandSame(client: Client, { head }: Export, file: string): Promise<void> {
  const deployment = await readDeployment(client);
  if (deployment === head.deployment) return;
  throw new Refused(
    `${file} is of deployment ${head.deployment}, and namespace ${client.options.namespace} belongs to ${deployment}. An empty namespace is given that deployment by \`creel init --from ${file}\``,
  );
}

async function plan(client: Client, { gateways, silent }: Export, json: boolean): Promise<void> {
  const foreseen = await foreseeRecovery(client, gateways);
  if (json) return void process.stdout.write(`${JSON.stringify({ gateways: foreseen, missing: silent })}\n`);
  const lines = foreseen.map(({ gateway, would, reason }) => `${gateway}: would ${would}: ${reason}\n`);
  process.stdout.write(`${lines.join('')}${missingText(silent)}nothing was asked of anybody\n`);
}

async function carryOut(client: Client, { head, gateways, silent }: Export, json: boolean): Promise<void> {
  const recorded = [...head.releases, ...(await recordedReleases(client))].map(({ version }) => version);
  const versions = [...new Set([...recorded, ...gateways.map(({ life }) => life.spec.release)])];
  const say = (each: Recovery) => void (json || process.stdout.write(lineOf(each)));
  const ends = await recover(client, { at: head.at, gateways, versions, origin: origin() }, say);
  const by = (end: Recovery['end']) => ends.filter((each) => each.end === end).length;
  if (json) process.stdout.write(`${JSON.stringify({ gateways: ends, missing: silent })}\n`);
  else
    process.stdout.write(
      `${counted(by('recovered'), 'gateway')} recovered, ${by('on record')} on record already, ${by('left out')} left out, ${by('failed')} failed\n${missingText(silent)}`,
    );
  if (by('failed') > 0) process.exitCode = exits.failed;
  else if (by('left out') + silent.length > 0) process.exitCode = exits.attention;
}

function lineOf({ gateway, end, reason }: Recovery): string {
  return `${gateway}: ${end}${reason === '' ? '' : `: ${reason}`}\n`;
}

/** Gateways that had not answered when the export was written: nothing of them is in it. */
function missingText(silent: readonly string[]): string {
  return silent.map((id) => `${id}: not in the export: its record did not answer\n`).join('');
}
