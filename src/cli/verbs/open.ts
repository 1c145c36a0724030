import { ask } from '../../client/gateways.js';
import { openGateway } from '../../client/looks.js';
import { demandServing } from '../../client/serving.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { newRecipient } from '../../domain/keys/seal.js';
import { origin } from './provision.js';
import { verb, withTemporal } from '../verb.js';

/** `creel open`: a link that opens the Control UI, already paired. It travels sealed and is printed once, here. */
export function openCommand() {
  return verb('open', 'print a link that opens the gateway’s Control UI, already paired', [
    'creel open g42',
    'creel open g42 --json | jq -r .url',
  ])
    .argument('<id>', 'gateway id')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      await withTemporal(options, async (client) => {
        const life = demandServing(await ask(client, id));
        const recipient = await newRecipient();
        const { sealed, expiresAt } = await openGateway(client, life, recipient.publicKey, origin());
        const url = (await recipient.open(sealed, `creel open ${id}`)).reveal();
        if (options.json) {
          process.stdout.write(`${JSON.stringify({ gateway: id, url, expiresAt })}\n`);
          return;
        }
        process.stdout.write(`${url}\n`);
        process.stderr.write(
          `Works once, until ${expiresAt} (ten minutes), and makes whoever opens it an owner: give it to nobody.\nWithout a model key the Control UI begins with Model Setup.\n`,
        );
      });
    });
}
