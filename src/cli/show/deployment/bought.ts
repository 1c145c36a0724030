import Table from 'cli-table3';
import type { ShownBought, ShownMachine } from '../../../client/bought.js';
import { counted } from '../../../domain/amounts.js';
import { usdText } from '../../../domain/hosts/held.js';
import { ceilingText } from '../../../domain/hosts/spend.js';
import { borderless } from '../borderless.js';

/** Machines that were bought, and what all of it costs against what it may; no lines where nothing was ever bought. */
export function boughtLines(bought: ShownBought | undefined): string[] {
  if (!bought) return [];
  if ('untold' in bought) return ['', `machines at lightsail: not told, ${bought.untold}`];
  const { machines, spend, ceiling, unseen } = bought;
  const may = ceiling ? `; the ceiling is ${ceilingText(ceiling)}` : '; there is no ceiling';
  return [
    '',
    ...(machines.length > 0 ? [machineTable(machines)] : []),
    `at lightsail: ${counted(spend.machines, 'machine')}, ${usdText(spend.monthlyUsd)} a month with addresses and snapshots${may}`,
    ...unseenLines(unseen),
  ];
}

function machineTable(machines: readonly ShownMachine[]): string {
  const table = new Table({
    head: ['MACHINE', 'REGION', 'PLAN', 'A MONTH', 'STATE', 'GATEWAY', 'PHASE'],
    style: { head: [], border: [], compact: true },
    chars: borderless,
  });
  for (const { name, region, size, monthlyUsd, state, gateway, phase } of machines)
    table.push([
      name,
      region,
      size ?? 'unknown',
      monthlyUsd === undefined ? 'unknown' : usdText(monthlyUsd),
      state ?? 'unknown',
      gateway,
      phase ?? 'on no record',
    ]);
  return table.toString();
}

/** Regions fail together, and for the same reason: it is said once. */
function unseenLines(unseen: readonly { readonly region: string; readonly reason: string }[]): string[] {
  const [first, ...others] = unseen;
  if (!first) return [];
  if (others.length === 0) return [`not looked at: ${first.region}, because ${first.reason}`];
  return [`not looked at: ${unseen.map(({ region }) => region).join(', ')}; ${first.region} because ${first.reason}`];
}
