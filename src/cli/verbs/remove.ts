import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Flags } from '../../client/connect.js';
import { demandUnattended, placeServed } from '../../client/deployment/engines.js';
import { UnknownGateway } from '../../client/failure.js';
import { demandTaken } from '../../client/foresee.js';
import { ask, request } from '../../client/gateways.js';
import { secretUses, secretUsers } from '../../client/deployment/secret-users.js';
import { gatewayBirth, gatewayId } from '../../domain/gateway/gateway.js';
import type { RemoveRequest } from '../../wire/requests.js';
import { confirm } from '../confirm.js';
import { exits } from '../exit.js';
import { follow } from '../show/follow.js';
import { lostRemovalPlan, removalPlan, removalPlanText } from '../show/plans/removal-plan.js';
import { origin } from './provision.js';
import { sayAccepted } from '../show/say-accepted.js';
import { sayingSlow, verb, withTemporal } from '../verb.js';

/** `creel remove`: stops and removes a gateway; its state stays as long as its spec says, unless purged. */
export function removeCommand() {
  return verb('remove', 'remove a gateway; its state is kept as long as its spec says', [
    'creel remove g42',
    'creel remove g42 --dry-run             what would go, what would be kept, and how long',
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
    .option('--dry-run', 'say what would go and what would be kept, by the record; nothing is touched')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      return options.dryRun ? planRemoval(id, options) : remove(id, options);
    });
}

type Asked = Flags & {
  readonly json?: true;
  readonly purge?: true;
  readonly birth?: string;
  readonly gone?: string;
};

type Options = Asked & {
  readonly yes?: string;
  readonly engine?: string;
  readonly requestId?: string;
  readonly detach?: true;
};

async function remove(id: string, options: Options): Promise<void> {
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
    const named = options.detach || options.json ? [] : await namedBefore(client, id);
    const accepted = await request(client, id, { ...asked, ...place });
    const shown = { json: options.json === true, target };
    sayAccepted(accepted, requestId, shown, options.detach === true);
    if (options.detach) return;
    const ended = await follow(client, accepted, shown);
    if (ended === exits.done && accepted.birth === noBirth) throw unknownEverywhere(id);
    process.exitCode = ended;
    if (ended === exits.done && !shown.json) await sayKept(client, id, named);
  });
}

/** Prints what a removal would do; asks nobody for an id, because nothing is touched. */
async function planRemoval(id: string, { purge, birth, gone, ...flags }: Asked): Promise<void> {
  await withTemporal(flags, async (client) => {
    if (gone !== undefined) await demandUnattended(client, gone);
    const told = await ask(client, id).catch((error: unknown) => {
      if (error instanceof UnknownGateway && birth !== undefined) return undefined;
      throw error;
    });
    const isLost = birth !== undefined && told?.life?.mark.birth !== birth;
    const plan =
      told && !isLost
        ? removalPlan(told, { purge: purge === true, gone: gone !== undefined })
        : lostRemovalPlan(id, gatewayBirth(birth), purge === true);
    await demandTaken(client, id, {
      kind: 'remove',
      requestId: randomUUID(),
      origin: origin(),
      purge: purge === true,
      ...(gone !== undefined && { gone }),
      ...(birth !== undefined && { birth: gatewayBirth(birth) }),
    });
    process.stdout.write(flags.json ? `${JSON.stringify(plan)}\n` : `${removalPlanText(plan)}\n`);
  });
}

/** The birth in a removal that found no life, neither on record nor on an engine. */
const noBirth = 'none';

function unknownEverywhere(id: string): UnknownGateway {
  return new UnknownGateway(
    `gateway ${id} is unknown here: nothing of it was on record or on an engine. \`creel list\` shows those there are`,
  );
}

/**
 * Prints what the customer still has, as the gateway reports; without a state, the stored secrets that nobody names any
 * more. The removal has ended by then, and its outcome stands.
 */
async function sayKept(client: Client, id: string, named: readonly string[]): Promise<void> {
  const { stateKeptUntil, left } = await ask(client, id);
  if (stateKeptUntil === undefined) {
    if (left.length === 0) process.stdout.write(`nothing of ${id} is left\n`);
    return sayUnused(client, named);
  }
  process.stdout.write(
    `its state is kept until ${stateKeptUntil}: \`creel provision ${id} --restore\` takes it up again, \`creel remove ${id} --purge\` lets it go\n`,
  );
}

/** The secrets that a gateway names; none when there is no such gateway, or it does not answer. */
async function namedBefore(client: Client, id: string): Promise<string[]> {
  try {
    return [...new Set(secretUses(await ask(client, id)).map(([name]) => name))];
  } catch {
    return []; // The request that follows says what is wrong.
  }
}

async function sayUnused(client: Client, named: readonly string[]): Promise<void> {
  if (named.length === 0) return;
  const users = await sayingSlow('asking the other gateways which secrets they name', () => secretUsers(client));
  for (const name of named.filter((each) => !users.has(each)))
    process.stdout.write(`no gateway names the secret ${name} any more: \`creel secret rm ${name}\` removes it\n`);
}
