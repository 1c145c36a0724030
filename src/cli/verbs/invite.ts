import { inviteTo } from '../../client/invite.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { readFrontUrl } from '../../settings/front-url.js';
import { milliseconds } from '../../settings/spec.js';
import { guestPath } from '../../wire/invitation.js';
import { origin } from './provision.js';
import { verb, withTemporal } from '../verb.js';

/** `creel invite`: a link for the customer of a gateway, who comes in by it once, through `creel serve`. */
export function inviteCommand() {
  return verb('invite', 'print a link by which a gateway’s customer comes in, once, through `creel serve`', [
    'creel invite g42',
    'creel invite g42 --valid 7d --json | jq -r .url',
  ])
    .argument('<id>', 'gateway id')
    .option('--valid <duration>', 'for how long it may be used; up to 30 days', '3 days')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      const front = readFrontUrl(process.env);
      const validMs = milliseconds('--valid', options.valid);
      await withTemporal(options, async (client) => {
        const { secret, until } = await inviteTo(client, id, validMs, origin());
        const url = `${front}${guestPath}/${id}/${secret}`;
        const untilText = new Date(until).toISOString();
        if (options.json) {
          process.stdout.write(`${JSON.stringify({ gateway: id, url, until: untilText })}\n`);
          return;
        }
        process.stdout.write(`${url}\n`);
        process.stderr.write(
          `Lets its customer in once, until ${untilText}, as an owner, and shows the token. Any link before it is worth nothing now, and this one is when the token is rotated.\n`,
        );
      });
    });
}
