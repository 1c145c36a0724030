import { suspensionReasonLength } from '../../domain/thresholds.js';
import { askForChange } from '../change-verb.js';
import { verb } from '../verb.js';

/** `creel suspend`: a gateway stops, and stays stopped, with everything that it has. */
export function suspendCommand() {
  return verb('suspend', 'stop a gateway and keep everything of it, until it is resumed', [
    'creel suspend g42',
    'creel suspend g42 --reason "unpaid since June"',
  ])
    .argument('<id>', 'gateway id')
    .option('--reason <text>', `why, for people: ${suspensionReasonLength} characters at most`)
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action((id, { reason, ...options }) =>
      askForChange(id, options, { kind: 'suspend', ...(reason !== undefined && { reason }) }),
    );
}

/** `creel resume`: a suspended gateway serves again, with the same port, token and devices, and that is proved. */
export function resumeCommand() {
  return verb('resume', 'have a suspended gateway serve again, and prove it', ['creel resume g42'])
    .argument('<id>', 'gateway id')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action((id, options) => askForChange(id, options, { kind: 'resume' }));
}
