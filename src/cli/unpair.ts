import { deviceIdOf } from '../domain/device-id.js';
import { askChange } from './change.js';
import { verb } from './verb.js';

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
      await askChange(id, options, (envelope) => ({ ...envelope, kind: 'unpair', deviceId }));
    });
}
