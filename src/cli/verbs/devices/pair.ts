import ms from 'ms';
import { senderChannel, senderCode } from '../../../domain/channels/paired-senders.js';
import type { Wanted } from '../../../domain/devices/device.js';
import { Refused } from '../../../domain/errors.js';
import { ordinaryScopes } from '../../../domain/changes/pairing.js';
import { pairingWaitMs } from '../../../domain/thresholds.js';
import { milliseconds } from '../../../settings/spec.js';
import { askForChange, askOfDevice } from '../../change-verb.js';
import { verb } from '../../verb.js';

/** `creel pair`: lets a device in as soon as it asks, and is done when it has connected; or a chat sender by their code. */
export function pairCommand() {
  return verb('pair', 'let a device in as soon as it asks, and see it connect; or a chat sender who was told a code', [
    'creel pair g42 --device 1f0c23ab       the device whose id begins so',
    'creel pair g42 --name Kitchen --platform ios --wait 30m',
    'creel pair g42 --device 1f0c23ab --scopes operator.admin,operator.pairing',
    'creel pair g42 --device 1f0c23ab --role operator,node         a phone, which has two roles',
    'creel pair g42 --sender Z6JHW56J                              a chat sender, by the code that the bot told them',
  ])
    .argument('<id>', 'gateway id')
    .option(
      '--device <id>',
      'the device, by its id or its public key, as it shows them itself; of one that asks, the first 8 digits of its id or more',
    )
    .option('--name <name>', 'the device of this name; refused when two that ask have it')
    .option('--platform <platform>', 'the device on this platform')
    .option('--sender <code>', 'a chat sender instead of a device, by the code that the bot told them')
    .option('--channel <kind>', 'where the code was told; else any channel')
    .option('--scopes <scopes>', `allow these, beside ${ordinaryScopes.join(', ')}`)
    .option(
      '--role <roles>',
      'the role that it is to have, or several with commas: a phone is operator,node',
      'operator',
    )
    .option('--wait <duration>', 'how long to wait for it to ask, and then to connect', ms(pairingWaitMs))
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action(async (id, options) => {
      const { device, role } = options;
      if (options.sender !== undefined || options.channel !== undefined)
        return askForChange(id, options, senderFrom(options));
      const names = namesFrom(options);
      const scopes = (options.scopes ?? '').split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]));
      const waitMs = milliseconds('--wait', options.wait);
      const wish = (wanted: Wanted) => ({ kind: 'pair', wanted, role, scopes, waitMs }) as const;
      await (device === undefined
        ? askForChange(id, options, wish(names))
        : askOfDevice(id, options, device, (deviceId) => wish({ deviceId })));
    });
}

/** A chat sender by their code. `Refused` when a device is named as well, or what only a device can have. */
function senderFrom(given: {
  sender?: string;
  channel?: string;
  device?: string;
  name?: string;
  platform?: string;
  scopes?: string;
}) {
  const { sender, channel, device, name, platform, scopes } = given;
  if (sender === undefined) throw new Refused('--channel says where a code was told: give the code with --sender');
  if ([device, name, platform, scopes].some((each) => each !== undefined))
    throw new Refused('--sender lets a chat sender in: leave out --device, --name, --platform and --scopes');
  const code = senderCode(sender);
  const told = senderChannel(channel);
  return { kind: 'pair-sender', code, ...(told !== undefined && { channel: told }) } as const;
}

/**
 * The name and platform by which a device is meant; none when it is named by its id. `Refused` when both ways are used,
 * or neither.
 */
function namesFrom({ device, name, platform }: { device?: string; name?: string; platform?: string }) {
  const named = name !== undefined || platform !== undefined;
  if (device !== undefined && named)
    throw new Refused('--device says which one it is: leave out --name and --platform');
  if (device === undefined && !named)
    throw new Refused(
      'say which device: --device with its id or public key, or --name and --platform; or --sender with the code of a chat sender. `creel devices` lists those that ask',
    );
  return { ...(name !== undefined && { name }), ...(platform !== undefined && { platform }) };
}
