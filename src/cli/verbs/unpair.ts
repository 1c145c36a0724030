import { askOfDevice } from '../change-verb.js';
import { verb } from '../verb.js';

/** `creel unpair`: cuts a device off, and proves that it is. */
export function unpairCommand() {
  return verb('unpair', 'cut a device off: it is paired no more, and its sessions end', [
    'creel unpair g42 --device 1f0c23ab',
  ])
    .argument('<id>', 'gateway id')
    .requiredOption('--device <id>', 'the device, by its id, the first 8 digits of it or more, or its public key')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action((id, options) => askOfDevice(id, options, options.device, (deviceId) => ({ kind: 'unpair', deviceId })));
}
