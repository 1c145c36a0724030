import { Option } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { list, listRunning, type Listed } from '../client/gateways.js';
import type { Phase } from '../workflows/requests.js';
import { listTable } from './render.js';
import { verb, withTemporal } from './verb.js';

const phases = [
  'queued',
  'provisioning',
  'ready',
  'degraded',
  'repairing',
  'pairing',
  'parked',
  'removing',
  'removed',
] as const satisfies readonly Phase[];

/** `creel list`: every gateway there is, as recorded. */
export function listCommand() {
  return verb('list', 'show the gateways there are, as recorded', [
    'creel list',
    'creel list --attention                 those that wait for a person',
    'creel list --phase ready --json | wc -l',
  ])
    .option('--attention', 'only those that need a person')
    .addOption(new Option('--phase <phase>', 'only those in this phase').choices(phases))
    .action(async (options) => {
      await withTemporal(options, async (client) => {
        const conditions = [
          ...(options.attention ? ['NeedsAttention = true'] : []),
          ...(options.phase === undefined ? [] : [`GatewayPhase = '${options.phase}'`]),
        ];
        if (options.json) await printEach(client, conditions.join(' AND '));
        else await printTable(client, conditions.join(' AND '));
      });
    });
}

async function printEach(client: Client, query: string): Promise<void> {
  const operations = await running(client);
  for await (const row of list(client, query)) {
    process.stdout.write(`${JSON.stringify({ ...row, operation: operations.get(row.gateway) ?? '' })}\n`);
  }
}

async function printTable(client: Client, query: string): Promise<void> {
  const operations = await running(client);
  const rows: Listed[] = [];
  for await (const row of list(client, query)) rows.push({ ...row, operation: operations.get(row.gateway) ?? '' });
  rows.sort((one, other) => one.gateway.localeCompare(other.gateway, 'en', { numeric: true }));
  process.stdout.write(rows.length === 0 ? 'no gateways\n' : `${listTable(rows, Date.now())}\n`);
}

/** What runs on behalf of each gateway. */
async function running(client: Client): Promise<Map<string, string>> {
  const operations = new Map<string, string>();
  for await (const { gateway, kind } of listRunning(client)) operations.set(gateway, kind);
  return operations;
}
