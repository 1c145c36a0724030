import { Option } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { listRuns, type FleetRun } from '../../client/fleet.js';
import { list, listLost, listRunning, type Listed } from '../../client/gateways.js';
import { phases } from '../../wire/description.js';
import { listTable } from '../show/gateway-list.js';
import { lostLine } from '../show/lost.js';
import { verb, withTemporal } from '../verb.js';
import { lastDrifted } from '../../client/net/reconcile.js';
import type { Drifted } from '../../wire/reconcile.js';
import { driftLine } from './reconcile.js';
import { listCondemned } from './condemned.js';

/** `creel list`: every gateway there is, as recorded. */
export function listCommand() {
  return verb('list', 'show the gateways there are, as recorded', [
    'creel list',
    'creel list --attention                 those that wait for a person',
    'creel list --phase ready --json | wc -l',
  ])
    .option('--attention', 'only those that need a person')
    .option('--condemned', 'what carries our mark and no record speaks for; looks at every engine')
    .option('--hand-over', 'only those whose rotated token nobody has fetched')
    .addOption(new Option('--phase <phase>', 'only those in this phase').choices(phases))
    .action(async (options) => {
      await withTemporal(options, async (client) => {
        if (options.condemned) return listCondemned(client, options.json === true);
        const conditions = [
          ...(options.attention ? ['NeedsAttention = true'] : []),
          ...(options.phase === undefined ? [] : [`GatewayPhase = '${options.phase}'`]),
        ];
        const isAll = conditions.length === 0 && options.handOver !== true;
        const isWhole = options.phase === undefined && options.handOver !== true;
        const rows = listed(client, conditions.join(' AND '), options.handOver === true, isWhole);
        if (options.json) await printEach(client, options.attention ? withDrift(client, rows) : rows);
        else await printTable(client, rows, isAll ? 'no gateways' : 'no gateway is like that');
        if (options.attention && !options.json) await printDrifted(client);
      });
    });
}

async function* listed(client: Client, query: string, handOver: boolean, withLost: boolean): AsyncGenerator<Listed> {
  for await (const row of list(client, query)) if (!handOver || row.handOver !== undefined) yield row;
  if (withLost) yield* listLost(client);
}

/** A row, and in what its gateway was not as recorded when the last reconciliation ended. */
type Row = Listed & { readonly drift?: Drifted & { readonly at: string } };

/** The same, and those that are ready and that the last reconciliation found otherwise than recorded. */
async function* withDrift(client: Client, listed: AsyncGenerator<Listed>): AsyncGenerator<Row> {
  const last = await lastDrifted(client);
  const drifted = new Map((last?.drifted ?? []).map((each) => [each.gateway, { ...each, at: last?.at ?? '' }]));
  for await (const row of listed) {
    yield rowWith(row, drifted);
    drifted.delete(row.gateway);
  }
  if (drifted.size === 0) return;
  const ids = [...drifted.keys()].map((id) => `'${id}'`).join(', ');
  for await (const row of list(client, `GatewayId IN (${ids})`)) {
    const { drift, ...rest } = rowWith(row, drifted);
    if (drift) yield { ...rest, drift };
  }
}

/** Another life under the same name is another gateway. */
function rowWith(row: Listed, drifted: ReadonlyMap<string, NonNullable<Row['drift']>>): Row {
  const drift = drifted.get(row.gateway);
  return drift?.birth === row.birth ? { ...row, drift } : row;
}

async function printEach(client: Client, listed: AsyncGenerator<Row>): Promise<void> {
  const operations = await running(client);
  for await (const row of listed) {
    process.stdout.write(
      `${JSON.stringify({ ...row, operation: operations.get(row.gateway) ?? '', recordedOnly: true })}\n`,
    );
  }
}

async function printTable(client: Client, listed: AsyncGenerator<Listed>, none: string): Promise<void> {
  const [operations, runs] = await Promise.all([running(client), listRuns(client)]);
  const rows: Listed[] = [];
  for await (const row of listed) rows.push({ ...row, operation: operations.get(row.gateway) ?? '' });
  rows.sort((one, other) => one.gateway.localeCompare(other.gateway, 'en', { numeric: true }));
  process.stdout.write(`${rows.length === 0 ? none : listTable(rows, Date.now())}\n`);
  for (const row of rows) if (row.lost) process.stdout.write(`${lostLine(row.gateway, row.birth, row.lost)}\n`);
  for (const run of runs) process.stdout.write(`${runLine(run)}\n`);
}

/** Those that are ready and that the last reconciliation found otherwise than recorded. */
async function printDrifted(client: Client): Promise<void> {
  const last = await lastDrifted(client);
  for (const each of last?.drifted ?? [])
    process.stdout.write(`not as recorded at ${last?.at.replace(/\.\d+Z$/, 'Z')}: ${driftLine(each)}\n`);
}

/** A run that is going over the whole fleet, and how to look at it. */
function runLine({ run, attention }: FleetRun): string {
  const stands = attention ? 'is paused or stopping' : 'is under way';
  return `run ${run} over the fleet ${stands}: creel fleet status ${run}`;
}

/** The kind of operation that is running for each gateway. */
async function running(client: Client): Promise<Map<string, string>> {
  const operations = new Map<string, string>();
  for await (const { gateway, kind } of listRunning(client)) operations.set(gateway, kind);
  return operations;
}
