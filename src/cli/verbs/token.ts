import { Command } from '@commander-js/extra-typings';
import { ask } from '../../client/gateways.js';
import { showToken } from '../../client/looks.js';
import { demandLiving } from '../../client/serving.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { newRecipient } from '../../domain/keys/seal.js';
import { confirm } from '../confirm.js';
import { origin } from './provision.js';
import { verb, withTemporal } from '../verb.js';

/** `creel token`: what can be done with a gateway token besides rotating it. */
export function tokenCommand() {
  return new Command('token').description('show the gateway token').addCommand(showCommand());
}

/**
 * `creel token show`: the token travels sealed and is printed once, here; the worker's audit log records that it was
 * shown.
 */
function showCommand() {
  return verb('show', 'print the gateway token; who asked is written down', [
    'creel token show g42',
    'creel token show g42 --yes=g42 | ssh backend store-token g42',
  ])
    .argument('<id>', 'gateway id')
    .option('--yes <id>', 'the id once more, instead of typing it')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      await confirm(id, options.yes, `whoever has the token of ${id} can reach it, and it is printed here`);
      await withTemporal(options, async (client) => {
        const life = demandLiving(await ask(client, id));
        const recipient = await newRecipient();
        const sealed = await showToken(client, life, recipient.publicKey, origin());
        const token = (await recipient.open(sealed, `creel token show ${id}`)).reveal();
        const { tokenGeneration: generation } = life;
        process.stdout.write(options.json ? `${JSON.stringify({ gateway: id, generation, token })}\n` : `${token}\n`);
      });
    });
}
