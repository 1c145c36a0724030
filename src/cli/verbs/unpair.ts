import { deviceIdOf } from '../../domain/keys/device-id.js';
import { askForChange } from '../change-verb.js';
import { verb } from '../verb.js';

/** `creel unpair`: cuts a device off, and proves that it is. */
export function unpairCommand() {
  return verb('unpair', 'cut a device off: it is paired no more, and its sessions end', [
    'creel unpair g42 --device 1f0c…',
  ])
    .argument('<id>', 'gateway id')
    .requiredOption('--device <id>', 'the device, by its id or its public key')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action(async (id, options) => {
      const deviceId = deviceIdOf(options.device);
      await askForChange(id, options, { kind: 'unpair', deviceId });
    });
}
