import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { demandUnattended, placeServed } from '../../client/engines.js';
import { UnknownGateway } from '../../client/failure.js';
import { ask, request } from '../../client/gateways.js';
import { gatewayBirth, gatewayId } from '../../domain/gateway/gateway.js';
import type { RemoveRequest } from '../../wire/requests.js';
import { confirm } from '../confirm.js';
import { exits } from '../exit.js';
import { follow } from '../show/follow.js';
import { origin } from './provision.js';
import { sayAccepted } from '../show/say-accepted.js';
import { verb, withTemporal } from '../verb.js';

/** `creel remove`: stops and removes a gateway; its state stays as long as its spec says, unless purged. */
export function removeCommand() {
  return verb('remove', 'remove a gateway; its state is kept as long as its spec says', [
    'creel remove g42',
    'creel remove g42 --purge               the state as well: asks for the id to be typed',
    'creel remove g42 --purge --yes=g42     the same without a question',
    'creel remove g42 --birth 7k3fq2        a life whose record was lost',
    'creel remove g42 --gone ENGINE         its engine is gone for good: the record ends, and says what it leaves',
  ])
    .argument('<id>', 'gateway id')
    .option('--purge', 'remove the customer’s state now, whatever the spec says')
    .option('--yes <id>', 'the id once more, instead of typing it')
    .option('--birth <birth>', 'the life of exactly this birth, whose record was lost')
    .option('--engine <id>', 'the engine that it stood on, where its record names none')
    .option(
      '--gone <engine>',
      'the engine on which it stands is gone for good, with all that is on it: asks for the id',
    )
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      const birth = options.birth === undefined ? {} : { birth: gatewayBirth(options.birth) };
      if (options.purge) await confirm(id, options.yes, `--purge removes the customer's state of ${id} for ever`);
      if (options.gone !== undefined)
        await confirm(id, options.yes, `--gone gives up what ${id} has on engine ${options.gone}`);
      const requestId = options.requestId ?? randomUUID();
      const asked: RemoveRequest = {
        kind: 'remove',
        requestId,
        origin: origin(),
        purge: options.purge === true,
        ...(options.gone !== undefined && { gone: options.gone }),
        ...birth,
      };
      await withTemporal(options, async (client, target) => {
        if (options.gone !== undefined) await demandUnattended(client, options.gone);
        const place = options.engine === undefined ? {} : { place: await placeServed(client, options.engine) };
        const accepted = await request(client, id, { ...asked, ...place });
        const shown = { json: options.json === true, target };
        sayAccepted(accepted, requestId, shown, options.detach === true);
        if (options.detach) return;
        const ended = await follow(client, accepted, shown);
        if (ended === exits.done && accepted.birth === noBirth) throw unknownEverywhere(id);
        process.exitCode = ended;
        if (ended === exits.done && !shown.json) await sayKept(client, id);
      });
    });
}

/** What a removal is of that found no life, neither on record nor on an engine. */
const noBirth = 'none';

function unknownEverywhere(id: string): UnknownGateway {
  return new UnknownGateway(
    `gateway ${id} is unknown here: nothing of it was on record or on an engine. \`creel list\` shows those there are`,
  );
}

/** What the customer still has, as the gateway reports. The removal itself has ended, and its answer stands. */
async function sayKept(client: Client, id: string): Promise<void> {
  const { stateKeptUntil } = await ask(client, id);
  if (stateKeptUntil === undefined) return;
  process.stdout.write(
    `its state is kept until ${stateKeptUntil}: \`creel provision ${id} --restore\` takes it up again, \`creel remove ${id} --purge\` lets it go\n`,
  );
}
