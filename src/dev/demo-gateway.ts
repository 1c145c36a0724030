import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { NoWorker, UnknownGateway } from '../client/failure.js';
import type { Frame } from '../client/follow/frame.js';
import { ask, localPlace, proposedBirth, request } from '../client/gateways.js';
import { findOffer } from '../client/offer.js';
import { openGateway } from '../client/looks.js';
import { framesOf } from '../client/follow/follow.js';
import type { Models } from '../domain/models/models.js';
import { Refused } from '../domain/errors.js';
import { layout } from '../domain/gateway/gateway.js';
import type { GatewaySpec } from '../domain/gateway/spec.js';
import { placeFor, type Place } from '../domain/hosts/place.js';
import { newRecipient } from '../domain/keys/seal.js';
import { operationWorkflowId } from '../wire/ids.js';
import type { Accepted } from '../wire/requests.js';
import type { Description } from '../wire/description.js';

export const demoGateway = 'demo';
export const demoRelease = '2026.9.6';

/** What the demo asks for: an image built on this machine, no state kept, no waiting for a person, no fence demanded of it. */
const spec: GatewaySpec = {
  release: demoRelease,
  dev: true,
  memoryMb: 2048,
  cpus: 2,
  keepStateMs: 0,
  parkMs: 0,
  channels: [],
  fence: 'off',
};

/** The same on a machine of its own: the system takes its share of the cheapest one that carries a gateway. */
const onMachine = (region: string): GatewaySpec => ({
  ...spec,
  memoryMb: 1_536,
  machine: { provider: 'lightsail', region },
});

const origin = 'npm run demo';

/** A worker that has just started answers within seconds; a busy machine takes longer. */
const patienceMs = 90_000;

/** How often a gateway is polled that does not answer yet, or is not yet as awaited. */
const lookMs = 200;

/** A removal that an earlier demo began and did not see finished: it is running, or waits for what it cancels. */
export async function findRemoval(client: Client): Promise<Accepted | undefined> {
  const found = await whenWorkerAnswers(() => describe(client));
  return found && removalOf(found);
}

/**
 * Waits until the gateway itself knows that this removal has ended, a moment after its run has: only then does it take
 * a request.
 */
export async function removalIsOver(client: Client, removal: Accepted): Promise<void> {
  while ((await findRemoval(client))?.operation === removal.operation) await after(lookMs);
}

/** Whether the gateway of an earlier demo lives: `Refused` where it stands elsewhere than this one's is to. */
export async function livesAlready(client: Client, region: string | undefined): Promise<boolean> {
  const found = await whenWorkerAnswers(() => describe(client));
  const life = living(found);
  if (!life) return false;
  if (life.spec.machine?.region === region) return true;
  throw new Refused(
    `gateway ${demoGateway} of an earlier demo stands on ${life.place.host}. \`npm run demo -- --once\` ends it; then ask again`,
  );
}

/** What the gateway's machine is and costs, as its seller says now. */
export async function offerOf(client: Client, deployment: string, region: string): Promise<string> {
  const birth = proposedBirth(demoGateway, randomUUID());
  const mark = { deployment, gateway: demoGateway, birth, layout };
  const wanted = onMachine(region);
  const place = placeFor(mark, wanted.machine, localPlace);
  const gateway = { mark, place, spec: wanted, tokenGeneration: 1, deviceGeneration: 1 };
  return whenWorkerAnswers(() => findOffer(client, gateway));
}

/**
 * Asks for the demo's gateway, which is not being removed: a new one, or a repair of the existing one. An unfinished
 * request of an earlier demo is followed instead of repeated. With a region it is on a machine of its own there.
 */
export async function bringUp(
  client: Client,
  models: Models | undefined,
  region: string | undefined,
): Promise<Accepted> {
  const found = await whenWorkerAnswers(() => describe(client));
  const running = found && runningOf(found);
  if (running) return running;
  const requestId = randomUUID();
  const birth = proposedBirth(demoGateway, requestId);
  const asked = { kind: 'provision', requestId, origin, place: localPlace, birth, how: 'new' } as const;
  const fresh = region === undefined ? spec : onMachine(region);
  return whenWorkerAnswers(() =>
    request(client, demoGateway, { ...asked, spec: living(found)?.spec ?? { ...fresh, ...(models && { models }) } }),
  );
}

/** Asks for the gateway's removal; undefined when there is nothing to remove. */
export async function takeDown(client: Client): Promise<Accepted | undefined> {
  const found = await whenWorkerAnswers(() => describe(client));
  if (!found || ((found.phase === 'removed' || found.phase === 'none') && !found.running)) return undefined;
  const removal = removalOf(found);
  if (removal) return removal;
  const asked = { kind: 'remove', requestId: randomUUID(), origin, purge: true } as const;
  return whenWorkerAnswers(() => request(client, demoGateway, asked));
}

/** Follows an operation to its end, or until `interrupted`; returns the last frame seen. */
export async function followUntil(
  client: Client,
  accepted: Accepted,
  show: (frame: Frame) => void,
  interrupted: Promise<void>,
): Promise<Frame | undefined> {
  const frames = framesOf(client, accepted);
  const over = interrupted.then(() => undefined);
  let last: Frame | undefined;
  for (;;) {
    const next = await Promise.race([frames.next(), over]);
    if (!next || next.done) return last;
    last = next.value;
    show(last);
  }
}

/** Where the gateway stands, and at which port of its host. */
export async function whereItStands(client: Client): Promise<{ readonly place: Place; readonly port: number }> {
  const { life, record } = await ask(client, demoGateway);
  if (!life || !record) throw new Error(`gateway ${demoGateway} has no place on record`);
  return { place: life.place, port: record.port };
}

/** A one-time link into the gateway's Control UI, already paired. */
export async function mintLink(client: Client): Promise<string> {
  const { life } = await ask(client, demoGateway);
  if (!life) throw new Error(`gateway ${demoGateway} has no life on record`);
  const recipient = await newRecipient();
  const { sealed } = await openGateway(client, life, recipient.publicKey, origin);
  return (await recipient.open(sealed, `creel open ${demoGateway}`)).reveal();
}

async function describe(client: Client): Promise<Description | undefined> {
  try {
    return await ask(client, demoGateway);
  } catch (error) {
    if (error instanceof UnknownGateway) return undefined;
    throw error;
  }
}

/** The life of a gateway that lives: one that is gone says what it was. */
function living(found: Description | undefined): Description['life'] {
  return found?.phase === 'removed' || found?.phase === 'none' ? undefined : found?.life;
}

async function whenWorkerAnswers<T>(call: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof NoWorker) || performance.now() > until) throw error;
      await after(lookMs);
    }
  }
}

function runningOf({ gateway, life, running }: Description): Accepted | undefined {
  if (!running || !life) return undefined;
  return { gateway, birth: life.mark.birth, ...running, state: 'running' };
}

function removalOf(found: Description): Accepted | undefined {
  const running = runningOf(found);
  if (running && isRemoval(running)) return running;
  const queued = found.queue.find(isRemoval);
  if (!queued || !found.life) return undefined;
  const { gateway, life } = found;
  const { birth } = life.mark;
  const workflowId = operationWorkflowId(gateway, birth, queued.operation, queued.kind);
  return { gateway, birth, ...queued, workflowId, state: 'queued' };
}

function isRemoval({ kind }: Pick<Accepted, 'kind'>): boolean {
  return kind === 'remove' || kind === 'purge';
}
