import type { Client } from '@temporalio/client';
import type { Flags } from '../../../client/connect.js';
import { readDeployment } from '../../../client/deployment/deployment.js';
import { foreseeRecovery, recover, type Recovery } from '../../../client/net/recover.js';
import { recordedReleases } from '../../../client/deployment/releases.js';
import { counted } from '../../../domain/amounts.js';
import { Refused } from '../../../domain/errors.js';
import { gatewayId } from '../../../domain/gateway/gateway.js';
import { readExport, type Export } from '../../../settings/export-file.js';
import { exits } from '../../exit.js';
import { verb, withTemporal } from '../../verb.js';
import { condemnedLife } from '../condemned.js';
import { origin, provision } from '../provision.js';

/** `creel recover`: the gateways of an export under control again, in a namespace that has lost their records. */
export function recoverCommand() {
  return verb('recover', 'take up the gateways of an export whose records are lost: each as it is, with its token', [
    'creel init --from creel.jsonl && creel worker      first: the namespace, and a worker beside each engine',
    'creel recover --from creel.jsonl --dry-run         who would be taken up, as far as records say it',
    'creel recover --from creel.jsonl                   again after an interruption: it goes on',
    'creel recover --from creel.jsonl --anew            in a namespace that was restored to an earlier hour',
    'creel recover g42 -f gateway.toml                  one for which no record speaks, as `creel list --condemned` shows it',
  ])
    .argument('[id]', 'one gateway for which no record speaks, instead of an export')
    .option('--from <file>', 'an export, as `creel export` or its schedule wrote it')
    .option('-f, --file <gateway.toml>', 'of one gateway: its spec, where none is on record')
    .option('--birth <birth>', 'of one gateway: which life, where there are several')
    .option('--dry-run', 'say who would be taken up; nothing is asked of any gateway')
    .option('--anew', 'also those that are on record, where nothing runs: the record of an earlier hour is ended first')
    .action(async (id, { from, dryRun, anew = false, file, birth, ...options }) => {
      if (id !== undefined && from === undefined && !anew) return recoverOne(id, { ...options, dryRun, file, birth });
      if (from === undefined || id !== undefined || file !== undefined || birth !== undefined)
        throw new Refused('say either --from and an export, or one gateway with -f gateway.toml');
      const read = readExport(from);
      await withTemporal(options, async (client) => {
        await demandSame(client, read, from);
        const manner = { anew, json: options.json === true };
        if (dryRun) await plan(client, read, manner);
        else await carryOut(client, read, manner);
      });
    });
}

type One = Flags & {
  readonly json?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly file?: string | undefined;
  readonly birth?: string | undefined;
};

/** Gives one life back for which no record speaks: it is taken up with its state and its token. */
async function recoverOne(rawId: string, { dryRun, file, birth: named, json, ...flags }: One): Promise<void> {
  const id = gatewayId(rawId);
  const { birth } = await withTemporal(flags, (client) => condemnedLife(client, id, named));
  const said = file === undefined ? {} : { file };
  await provision(id, { ...flags, ...said, birth, ...(json && { json }), ...(dryRun && { dryRun }) });
}

async function demandSame(client: Client, { head }: Export, file: string): Promise<void> {
  const deployment = await readDeployment(client);
  if (deployment === head.deployment) return;
  throw new Refused(
    `${file} is of deployment ${head.deployment}, and namespace ${client.options.namespace} belongs to ${deployment}. An empty namespace is given that deployment by \`creel init --from ${file}\``,
  );
}

type Manner = { readonly anew: boolean; readonly json: boolean };

async function plan(client: Client, { gateways, silent }: Export, { anew, json }: Manner): Promise<void> {
  const foreseen = await foreseeRecovery(client, gateways, anew);
  if (json) return void process.stdout.write(`${JSON.stringify({ gateways: foreseen, missing: silent })}\n`);
  const lines = foreseen.map(({ gateway, would, reason }) => `${gateway}: would ${would}: ${reason}\n`);
  process.stdout.write(`${lines.join('')}${missingText(silent)}nothing was asked of anybody\n`);
}

async function carryOut(client: Client, { head, gateways, silent }: Export, { anew, json }: Manner): Promise<void> {
  const recorded = [...head.releases, ...(await recordedReleases(client))].map(({ version }) => version);
  const versions = [...new Set([...recorded, ...gateways.map(({ life }) => life.spec.release)])];
  let ended = 0;
  const say = (each: Recovery) => {
    ended += 1;
    if (!json) process.stdout.write(`[${ended}/${gateways.length}] ${lineOf(each)}`);
  };
  process.once('SIGINT', () => {
    process.stderr.write(
      `creel: interrupted at ${ended} of ${gateways.length}: what was asked for goes on, and the same command goes on with the rest\n`,
    );
    process.exit(exits.interrupted);
  });
  const ends = await recover(client, { at: head.at, gateways, versions, origin: origin(), anew }, say);
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
