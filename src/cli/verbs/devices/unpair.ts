import { senderChannel, senderId } from '../../../domain/channels/paired-senders.js';
import { Refused } from '../../../domain/errors.js';
import { askForChange, askOfDevice } from '../../change-verb.js';
import { verb } from '../../verb.js';

/** `creel unpair`: cuts a device off, or takes out a chat sender whom a code has let in, and proves it. */
export function unpairCommand() {
  return verb('unpair', 'cut a device off: it is paired no more, and its sessions end; or a chat sender', [
    'creel unpair g42 --device 1f0c23ab',
    'creel unpair g42 --sender 5550001                 a chat sender whom a code has let in',
  ])
    .argument('<id>', 'gateway id')
    .option('--device <id>', 'the device, by its id, the first 8 digits of it or more, or its public key')
    .option('--sender <id>', 'a chat sender instead, by their id as `creel devices` shows it')
    .option('--channel <kind>', 'take the sender out of this channel alone; else of every one')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action((id, options) => {
      const { device, sender, channel } = options;
      if (device !== undefined && sender === undefined && channel === undefined)
        return askOfDevice(id, options, device, (deviceId) => ({ kind: 'unpair', deviceId }));
      if (device !== undefined || sender === undefined)
        throw new Refused('say whom: a device with --device, or a chat sender with --sender, and maybe --channel');
      const where = senderChannel(channel);
      return askForChange(id, options, {
        kind: 'unpair-sender',
        sender: senderId(sender),
        ...(where !== undefined && { channel: where }),
      });
    });
}
