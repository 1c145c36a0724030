import Table from 'cli-table3';
import type { OnHost, ShownHost } from '../../../client/ledger.js';
import { counted, sizeText } from '../../../domain/amounts.js';
import type { HostLine } from '../../../wire/ledger.js';
import { fenceWord, neighboursText, proves, type FenceSeen, type Knocked } from '../../../domain/hosts/fence-trial.js';
import { borderless } from '../borderless.js';
import { row } from '../row.js';

/** Hosts as a table: what is promised of how much, and whether new gateways come. */
export function hostTable(hosts: readonly ShownHost[]): string {
  const table = new Table({
    head: ['HOST', 'MEMORY', 'PROCESSORS', 'DISK', 'GATEWAYS', 'NEW ONES', 'FENCE', 'WORKERS', 'ENGINE'],
    style: { head: [], border: [], compact: true },
    chars: borderless,
  });
  for (const host of hosts) {
    const { name, engine, workers, line } = host;
    table.push([
      name,
      line ? ofTotal(line.promised.memoryMb, line.memoryMb, sizeText) : 'unknown',
      line ? ofTotal(line.promised.cpus, line.cpus, String) : '',
      line ? diskOf(line) : '',
      line ? String(line.gateways) : '',
      takesNew(host),
      fenceText(line),
      String(workers.length),
      line ? `${engine} (${line.version})` : engine,
    ]);
  }
  return table.toString();
}

/** One host, and the gateways on it. */
export function hostText(host: ShownHost, { gateways, kept }: OnHost, fence?: FenceSeen): string {
  const { name, engine, workers, line } = host;
  return [
    name,
    ...row('engine', line ? `${engine}, version ${line.version}` : engine),
    ...row('served by', workers.length > 0 ? workers.join(', ') : 'no worker'),
    ...row('memory', line && `${ofTotal(line.promised.memoryMb, line.memoryMb, sizeText)} promised`),
    ...row('processors', line && `${ofTotal(line.promised.cpus, line.cpus, String)} promised`),
    ...row('disk', line && `${diskOf(line)} promised`),
    ...row('new ones', takesNew(host)),
    ...row('fence', fenceText(fence ? { fence: fenceWord(fence) } : line)),
    ...(fence ? fenceRows(fence) : []),
    ...row('gateways', gateways.length > 0 ? gateways.join(', ') : 'none'),
    ...row('kept', kept.length > 0 ? `the states of ${kept.join(', ')}, which were removed` : undefined),
  ].join('\n');
}

/** What would become of the gateways of a host: they do not move, so each is to be removed, or to stay; and so is each state that is kept. */
export function drainText(host: ShownHost, { gateways, kept }: OnHost, others: readonly ShownHost[]): string {
  const { name } = host;
  if (gateways.length === 0 && kept.length === 0) return `${name} has no gateway: nothing keeps it.`;
  return [
    ...(gateways.length > 0 ? leavingText(host, gateways, others) : []),
    ...(kept.length > 0
      ? [
          `On ${name} the states of ${kept.join(', ')} are kept, which were removed. To let them go:`,
          ...kept.map((id) => `  creel remove ${id} --purge`),
        ]
      : []),
  ].join('\n');
}

function leavingText({ name, line }: ShownHost, gateways: readonly string[], others: readonly ShownHost[]): string[] {
  const needed = line?.promised;
  const free = (of: (each: HostLine) => number) =>
    others.reduce((sum, each) => sum + (each.line && !each.line.cordoned ? Math.max(0, of(each.line)) : 0), 0);
  const freeMb = free((each) => each.memoryMb - each.promised.memoryMb);
  return [
    `${counted(gateways.length, 'gateway')} on ${name}: ${gateways.join(', ')}`,
    ...(needed
      ? [`They take ${sizeText(needed.memoryMb)} of memory; the other hosts have ${sizeText(freeMb)} left.`]
      : []),
    `A gateway does not move: what is to leave ${name} is removed there and begins anew elsewhere, without its state.`,
    ...gateways.map((id) => `  creel remove ${id}`),
  ];
}

/** How the fence was when it was last tried: shut; or what is open; or what could not be told. */
function fenceText(line: Pick<HostLine, 'fence'> | undefined): string {
  if (!line?.fence) return 'not tried';
  const { open, untold } = line.fence;
  if (open.length > 0) return `open: ${open.join(', ')}`;
  return untold.length > 0 ? `not proved: ${untold.join(', ')}` : 'fenced';
}

/** What was tried, and what became of it. */
function fenceRows({ at, knocked, neighbours }: FenceSeen): string[] {
  const tried = knocked.map(
    (each) => `${knockText(each)}: ${each.ground === 'allowed' ? allowedText(each) : provenText(each)}`,
  );
  return [
    ...row('tried', `${new Date(at).toISOString()}, from a container of a gateway's network`),
    ...tried.map((line) => `  ${line}`),
    `  ports on loopback, by a neighbour: ${neighboursText(neighbours)}`,
  ];
}

function knockText({ ground, address, port }: Knocked): string {
  const what = {
    host: 'the host itself',
    private: 'private',
    'link-local': 'link-local',
    gateway: 'another gateway',
    allowed: 'allowed',
  }[ground];
  return `${what} ${address}:${port}`;
}

function provenText(knocked: Knocked): string {
  const { gateway, host } = knocked;
  if (proves(knocked) === 'open') return 'open';
  const from = host === 'open' ? 'the host itself is answered' : `${host} from the host itself`;
  return `${proves(knocked) === 'shut' ? 'shut' : 'proves nothing'} (${gateway}; ${from})`;
}

function allowedText({ gateway, host }: Knocked): string {
  if (gateway === 'open') return 'open';
  return `${gateway}${host === 'open' ? ', though the host itself is answered' : ', from the host itself as well'}`;
}

function ofTotal(promised: number, total: number, text: (amount: number) => string): string {
  return `${text(promised)} of ${text(total)}`;
}

function diskOf({ promised, diskMb }: HostLine): string {
  return diskMb === undefined ? sizeText(promised.diskMb) : ofTotal(promised.diskMb, diskMb, sizeText);
}

function takesNew({ workers, line }: ShownHost): string {
  if (!line) return 'no: what it has could not be read';
  if (line.cordoned) return 'no: cordoned';
  return workers.length > 0 ? 'yes' : 'no: no worker';
}
