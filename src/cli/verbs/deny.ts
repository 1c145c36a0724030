import { deviceIdOf } from '../../domain/keys/device-id.js';
import { askForChange } from '../change-verb.js';
import { verb } from '../verb.js';

/** `creel deny`: turns down what a device asks for. It may ask again, and what it has it keeps. */
export function denyCommand() {
  return verb('deny', 'turn down the request of a device', ['creel deny g42 --device 1f0c…'])
    .argument('<id>', 'gateway id')
    .requiredOption('--device <id>', 'the device, by its id or its public key')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action(async (id, options) => {
      const deviceId = deviceIdOf(options.device);
      await askForChange(id, options, { kind: 'deny', deviceId });
    });
}
