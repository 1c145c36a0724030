import Table from 'cli-table3';
import { TurnedDown } from '../../client/failure.js';
import { ask } from '../../client/gateways.js';
import { listDevices } from '../../client/looks.js';
import type { DeviceList } from '../../domain/devices/device.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import type { Description } from '../../wire/description.js';
import { deviceRows } from '../show/device-rows.js';
import { plain } from '../show/render.js';
import { verb, withTemporal } from '../verb.js';

/** `creel devices`: the devices that a gateway lets in and those that ask, as it says now, and which of them creel approved. */
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
        if (!told.life || told.phase === 'removed' || told.phase === 'none')
          throw new TurnedDown(`${id} does not run (${told.phase}). \`creel describe ${id}\` says why`, 'Refused');
        const found = await listDevices(client, told.life);
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
  return JSON.stringify({ gateway, paired: marked, pending: found.pending, ...(found.left && { left: found.left }) });
}

function table({ gateway, approved }: Description, found: DeviceList): string {
  const rows = deviceRows(found, approved, Date.now());
  if (rows.length === 0) return 'no devices';
  const drawn = new Table({
    head: ['DEVICE', 'NAME', 'PLATFORM', 'STATE', 'ROLE', 'SCOPES', 'APPROVED BY', 'SEEN'],
    style: { head: [], border: [], compact: true },
    chars: plain,
  });
  drawn.push(...rows);
  const next = found.pending.map(
    ({ deviceId }) => `creel pair ${gateway} --device ${deviceId}  |  creel deny ${gateway} --device ${deviceId}`,
  );
  if (found.left) next.push(`creel unpair and creel deny: ${found.left} more devices are not shown`);
  return [drawn.toString(), ...next.map((line) => `next: ${line}`)].join('\n');
}
