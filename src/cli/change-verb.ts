import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Flags, Target } from '../client/connect.js';
import { readNewestKey } from '../client/deployment/deployment.js';
import { demandNoObstacle, demandTaken } from '../client/foresee.js';
import { ask, requestChange } from '../client/gateways.js';
import { deviceBeginning } from '../client/known-device.js';
import { isBeginning } from '../domain/devices/device.js';
import { gatewayId } from '../domain/gateway/gateway.js';
import { deviceIdOf } from '../domain/keys/device-id.js';
import type { ChangeRequest } from '../wire/change-requests.js';
import { changePlan, changePlanText, type Planned } from './show/plans/change-plan.js';
import { follow } from './show/follow.js';
import { origin } from './verbs/provision.js';
import { sayAccepted } from './show/say-accepted.js';
import { verb, withTemporal } from './verb.js';

/** A verb that changes a gateway that lives, with the options that all of them have. */
export function changeVerb(name: string, description: string, examples: readonly string[]) {
  return verb(name, description, examples)
    .argument('<id>', 'gateway id')
    .option('--ready-within <duration>', 'how long the new container may take until it is ready; default "90 seconds"')
    .option('--dry-run', 'say what it would come to, how, and how long the gateway is silent; nothing is touched')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--detach', 'do not follow the operation');
}

type Options = Flags & { readonly json?: true; readonly requestId?: string; readonly detach?: true };

/** What a verb decides of its request; who asks, and under which id, is the same for all. */
type Wish = ChangeRequest extends infer Each
  ? Each extends ChangeRequest
    ? Omit<Each, 'requestId' | 'origin' | 'place'>
    : never
  : never;

/** Prints what a change would do, judged by the gateway's own record, or refuses it as the change itself would be. */
async function planChange(rawId: string, flags: Flags & { readonly json?: true }, wish: Planned): Promise<void> {
  const id = gatewayId(rawId);
  await withTemporal(flags, async (client) => {
    const told = await ask(client, id);
    const plan = changePlan(told, wish);
    await demandTaken(client, id, { ...wish, requestId: randomUUID(), origin: origin() });
    if (told.life && plan.ways.some((way) => !unstored.has(way)))
      await demandNoObstacle(client, { ...told.life, spec: plan.to }, replacedBy(id, plan));
    process.stdout.write(`${flags.json ? JSON.stringify(plan) : changePlanText(plan)}\n`);
  });
}

/** Whoever gets a new container is refused for a state over its disk; a rollback never is. */
function replacedBy(id: string, { change, ways }: ReturnType<typeof changePlan>): { readonly replaced?: string[] } {
  return ways.includes('new container') && change !== 'rollback' ? { replaced: [id] } : {};
}

/** The ways for which no first step asks catalogue and secret store. */
const unstored: ReadonlySet<string> = new Set(['record only', 'token by the gateway']);

/** Asks for a change; with `--dry-run`, only prints what it would do. */
export async function planOrAsk(
  rawId: string,
  options: Options & { readonly dryRun?: true },
  wish: Planned,
): Promise<void> {
  return options.dryRun ? planChange(rawId, options, wish) : askForChange(rawId, options, wish);
}

/** Asks for a change and follows it to its end. */
export async function askForChange(rawId: string, options: Options, wish: Wish): Promise<void> {
  const id = gatewayId(rawId);
  await withTemporal(options, (client, target) => askAndFollow(client, target, id, options, wish));
}

/**
 * Asks for a change of one device, named by its id, its public key, or the beginning of an id, which is then looked up
 * in the gateway's own list.
 */
export async function askOfDevice(
  rawId: string,
  options: Options,
  named: string,
  wishOf: (deviceId: string) => Wish,
): Promise<void> {
  if (!isBeginning(named)) return askForChange(rawId, options, wishOf(deviceIdOf(named)));
  const id = gatewayId(rawId);
  await withTemporal(options, async (client, target) => {
    const deviceId = await deviceBeginning(client, id, named);
    process.stderr.write(`creel: ${named} is device ${deviceId}\n`);
    await askAndFollow(client, target, id, options, wishOf(deviceId));
  });
}

async function askAndFollow(client: Client, target: Target, id: string, options: Options, wish: Wish): Promise<void> {
  const requestId = options.requestId ?? randomUUID();
  const key = wish.kind === 'rotate' ? await readNewestKey(client) : {};
  const accepted = await requestChange(client, id, { ...wish, ...key, requestId, origin: origin() });
  const shown = { json: options.json === true, target };
  sayAccepted(accepted, requestId, shown, options.detach === true);
  if (!options.detach) process.exitCode = await follow(client, accepted, shown);
}
