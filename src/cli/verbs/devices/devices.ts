import Table from 'cli-table3';
import { ask } from '../../../client/gateways.js';
import { listDevices } from '../../../client/looks.js';
import { demandServing } from '../../../client/serving.js';
import type { DeviceList } from '../../../domain/devices/device.js';
import { gatewayId } from '../../../domain/gateway/gateway.js';
import type { Description } from '../../../wire/description.js';
import { senderRows } from '../../show/devices/sender-rows.js';
import { deviceRows } from '../../show/devices/device-rows.js';
import { borderless } from '../../show/borderless.js';
import { verb, withTemporal } from '../../verb.js';

/**
 * `creel devices`: the devices that a gateway lets in and those that ask, as it says now, and which of them creel
 * approved; and the chat senders, where it lets any in by a code.
 */
export function devicesCommand() {
  return verb('devices', 'list the devices that are paired with a gateway, and those that ask to be', [
    'creel devices g42',
    "creel devices g42 --json | jq -r '.pending[].deviceId'",
  ])
    .argument('<id>', 'gateway id')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      await withTemporal(options, async (client) => {
        const told = await ask(client, id);
        const found = await listDevices(client, demandServing(told));
        process.stdout.write(`${options.json ? json(told, found) : table(told, found)}\n`);
      });
    });
}

function json({ gateway, approved }: Description, found: DeviceList): string {
  const marked = found.paired.map((each) => ({
    ...each,
    creel: each.deviceId === found.own,
    approvedByCreel: approved.includes(each.deviceId),
  }));
  const { pending, left, senders } = found;
  return JSON.stringify({
    gateway,
    paired: marked,
    pending,
    ...(left && { left }),
    ...(senders !== undefined && { senders }),
  });
}

function table({ gateway, approved }: Description, found: DeviceList): string {
  const rows = deviceRows(found, approved, Date.now());
  const head = ['DEVICE', 'NAME', 'PLATFORM', 'STATE', 'ROLE', 'SCOPES', 'APPROVED BY', 'SEEN'];
  const next = found.pending.map(
    ({ deviceId }) => `creel pair ${gateway} --device ${deviceId}  |  creel deny ${gateway} --device ${deviceId}`,
  );
  if (found.left) next.push(`creel unpair and creel deny: ${found.left} more devices are not shown`);
  next.push(...sendersNext(gateway, found.senders));
  return [
    rows.length === 0 ? 'no devices' : drawn(head, rows),
    ...sendersText(found.senders),
    ...next.map((line) => `next: ${line}`),
  ].join('\n');
}

/** The chat senders below the devices; nothing where no channel pairs any. */
function sendersText(senders: DeviceList['senders']): string[] {
  if (senders === undefined) return [];
  if (typeof senders === 'string') return ['', `senders: not read: ${senders}`];
  const rows = senderRows(senders, Date.now());
  return ['', rows.length === 0 ? 'no senders' : drawn(['SENDER', 'NAME', 'CHANNEL', 'ACCOUNT', 'STATE'], rows)];
}

function sendersNext(gateway: string, senders: DeviceList['senders']): string[] {
  if (senders === undefined || typeof senders === 'string') return [];
  const ask =
    senders.waiting.length > 0 ? [`creel pair ${gateway} --sender CODE, with the code that the sender was told`] : [];
  return senders.left ? [...ask, `creel unpair --sender: ${senders.left} more senders are not shown`] : ask;
}

function drawn(head: string[], rows: readonly string[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true }, chars: borderless });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
