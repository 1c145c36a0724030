import { randomUUID } from 'node:crypto';
import { localPlace, requestChange } from '../client/gateways.js';
import { gatewayId } from '../domain/gateway.js';
import type { RotateRequest } from '../workflows/change-requests.js';
import { confirm } from './confirm.js';
import { follow } from './follow.js';
import { origin } from './provision.js';
import { sayAccepted } from './say-accepted.js';
import { verb, withTemporal } from './verb.js';

/** `creel rotate`: the next gateway token, applied while the gateway runs and proved; what was proved when is its result. */
export function rotateCommand() {
  return verb('rotate', 'put the next gateway token in force and prove it, or go back', [
    'creel rotate g42',
    'creel rotate g42 --reclaim             over a token that somebody else set',
    'creel rotate g42 --evict               after a compromise: every device has to pair again',
  ])
    .argument('<id>', 'gateway id')
    .option('--reclaim', 'whatever token is in force now, the next one is set from inside')
    .option('--evict', 'remove every device and close every session: who is let in again must pair again')
    .option('--yes <id>', 'the id once more, instead of typing it (with --evict)')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      const evict = options.evict === true;
      if (evict) await confirm(id, options.yes, `--evict removes every paired device of ${id}`);
      const requestId = options.requestId ?? randomUUID();
      const reclaim = options.reclaim === true;
      const asked: RotateRequest = { kind: 'rotate', requestId, origin: origin(), place: localPlace, reclaim, evict };
      await withTemporal(options, async (client, target) => {
        const accepted = await requestChange(client, id, asked);
        const shown = { json: options.json === true, target };
        sayAccepted(accepted, requestId, shown, options.detach === true);
        if (!options.detach) process.exitCode = await follow(client, accepted, shown);
      });
    });
}
