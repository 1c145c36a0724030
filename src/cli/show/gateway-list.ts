import Table from 'cli-table3';
import type { Listed } from '../../client/gateways.js';
import { borderless } from './borderless.js';
import { recordedPhase } from './recorded-phase.js';

/** Gateways as a table. Everything in it is as recorded, and says so. */
export function listTable(rows: readonly Listed[], now: number): string {
  const table = new Table({
    head: ['GATEWAY', 'PHASE', 'SINCE', 'RELEASE', 'HOST', 'OPERATION', 'ATTENTION'],
    style: { head: [], border: [], compact: true },
    chars: borderless,
  });
  for (const row of rows) {
    table.push([
      row.gateway,
      row.lost ? `record ${row.lost.how} (was ${row.phase})` : recordedPhase(row.phase, row.proved, now),
      row.since.replace(/\.\d+Z$/, 'Z'),
      row.release,
      hostText(row),
      row.operation,
      [row.needsAttention ? 'yes' : '', row.handOver ? 'hand-over due' : ''].filter((word) => word !== '').join(', '),
    ]);
  }
  return table.toString();
}

/** A host by its name; a machine of the gateway's own with where it was bought. */
export function hostText({ host, region }: Pick<Listed, 'host' | 'region'>): string {
  return region === undefined ? host : `${host} (${region})`;
}
