import { askOfDevice } from '../../change-verb.js';
import { verb } from '../../verb.js';

/** `creel deny`: turns a device's request down. The device may ask again, and keeps what it already has. */
export function denyCommand() {
  return verb('deny', 'turn down the request of a device', ['creel deny g42 --device 1f0c23ab'])
    .argument('<id>', 'gateway id')
    .requiredOption('--device <id>', 'the device, by its id, the first 8 digits of it or more, or its public key')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action((id, options) => askOfDevice(id, options, options.device, (deviceId) => ({ kind: 'deny', deviceId })));
}
