import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Client } from '@temporalio/client';
import { bill } from '../client/bill.js';
import { NoWorker, TurnedDown, Unreachable } from '../client/failure.js';
import { meaningOf, type Meaning, type StripeEvent } from '../domain/billing/stripe.js';
import type { Notice } from '../domain/billing/account.js';
import { Refused } from '../domain/errors.js';
import type { Secret } from '../domain/secret.js';
import { frontBodyBytes, frontConnections, frontArrivalMs, frontAtOnce } from '../domain/thresholds.js';
import type { Plans } from '../settings/plans.js';
import type { Bill } from '../wire/billing.js';
import { billOf } from './bill-of.js';
import { openapi } from './openapi.js';
import { welcomeGuests } from './guests/guests.js';
import { ownNotice } from './own-webhook.js';
import { signedEvent } from './stripe-events.js';

/** What a front door is opened with. */
export type FrontDoor = {
  readonly client: Client;
  readonly plans: Plans;
  /** The secrets with which Stripe signs; several while one is replaced. */
  readonly stripe: readonly Secret[];
  /** The secrets of any other billing system (Standard Webhooks), likewise. */
  readonly webhook: readonly Secret[];
  /** An event with what is true by now; absent: it is believed. */
  readonly asOfNow?: (event: StripeEvent, meaning: NoticeMeaning) => Promise<Meaning>;
  /** Tells a person, once for each id. */
  readonly tell: (id: string, title: string, text: string) => Promise<void>;
  /** Whether a worker could carry anything out now. */
  readonly isServed: () => Promise<boolean>;
};

type NoticeMeaning = Extract<Meaning, { is: 'notice' }>;

/**
 * The HTTP server of the front door. It answers 2xx only when what it was told is on record; 400 where the signature or
 * the form is not good; 422 where somebody paid for what no plan names, which a person hears of; 503 while nobody can
 * take it in, or too many are told at once, so that it is told again.
 */
export function frontDoor(door: FrontDoor): FastifyInstance {
  const server = Fastify({
    bodyLimit: frontBodyBytes,
    requestTimeout: frontArrivalMs,
    http: { headersTimeout: frontArrivalMs, connectionsCheckingInterval: frontArrivalMs / 5 },
    connectionTimeout: frontArrivalMs * 3,
  });
  server.server.maxConnections = frontConnections;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setErrorHandler(answerError);
  server.get('/healthz', async () => ({ ok: true }));
  server.get('/readyz', async (_request, reply) => {
    const ok = await door.isServed().catch(() => false);
    return reply.code(ok ? 200 : 503).send({ ok });
  });
  server.get('/openapi.json', async () => openapi());
  welcomeGuests(server, door.client);
  const teller = new Teller(door);
  if (door.stripe.length > 0) server.post('/stripe', (request) => fromStripe(door, teller, request));
  if (door.webhook.length > 0)
    server.post('/billing', (request) => {
      const { notice, plan } = ownNotice(bodyOf(request), request.headers, door.webhook);
      return teller.tell(notice, plan, 'webhook');
    });
  return server;
}

async function fromStripe(door: FrontDoor, teller: Teller, request: FastifyRequest): Promise<object> {
  const signature = String(request.headers['stripe-signature'] ?? '');
  const event = signedEvent(bodyOf(request), signature, door.stripe);
  const told = meaningOf(event);
  const meaning = told.is === 'notice' && door.asOfNow ? await door.asOfNow(event, told) : told;
  if (meaning.is === 'nothing') return { heard: 'nothing', why: meaning.why };
  if (meaning.is === 'news') {
    await door.tell(event.id, meaning.title, meaning.text);
    return { heard: 'news' };
  }
  return teller.tell(meaning.notice, meaning.price, 'Stripe', meaning.priceFollows);
}

/** Tells gateways what is said of their subscriptions, so many at once. */
class Teller {
  readonly #door: FrontDoor;
  #atOnce = 0;

  constructor(door: FrontDoor) {
    this.#door = door;
  }

  /** The answer once it is on record. `priceFollows`: what is paid for is told by another event. */
  async tell(notice: Notice, price: string | undefined, origin: string, priceFollows = false): Promise<object> {
    const told = await this.#told(notice, price, origin);
    if (this.#atOnce >= frontAtOnce) throw new Busy('too many are told at once');
    this.#atOnce += 1;
    try {
      const { gateway, how, standing, lacks } = await this.#bill(told);
      const { subscription } = notice;
      if (lacks && !priceFollows)
        await this.#unsold(
          notice,
          `${subscription} was paid for, and nothing says for which plan, and none is the default`,
        );
      if (how === 'forgotten' && standing === 'active')
        await this.#door.tell(
          notice.id,
          'A subscription was paid for long ago',
          `${subscription}, at ${new Date(notice.at).toISOString()}: no record knows it any more, so nothing was begun. \`creel provision ${gateway}\` begins it; see docs/runbook.md#paid-long-ago`,
        );
      return { heard: how, gateway, standing };
    } finally {
      this.#atOnce -= 1;
    }
  }

  async #bill(told: Bill) {
    try {
      return await bill(this.#door.client, told);
    } catch (error) {
      const isRefused = error instanceof TurnedDown && error.kind === 'Refused';
      const { id, standing } = told.notice;
      if (isRefused && standing === 'active')
        await this.#door.tell(
          id,
          'What was paid for was refused',
          `${error.message}. See docs/runbook.md#paid-and-refused`,
        );
      throw error;
    }
  }

  async #told(notice: Notice, price: string | undefined, origin: string) {
    try {
      return billOf(this.#door.plans, notice, price, origin);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return this.#unsold(notice, error.message);
    }
  }

  async #unsold({ id }: Notice, why: string): Promise<never> {
    const text = `${why}. What is told again is heard once plans.toml names it and \`creel serve\` has begun anew; see docs/runbook.md#paid-and-not-sold`;
    await this.#door.tell(id, 'Paid for, and sold by no plan', text);
    throw new Unsold(text);
  }
}

/** Somebody paid for what no plan names. */
class Unsold extends Error {
  override readonly name = 'Unsold';
}

/** There is no room for it now. */
class Busy extends Error {
  override readonly name = 'Busy';
}

function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** An answer without a word of what was sent where nobody signed it: whoever sends that may be anybody. */
async function answerError(
  error: Error & { readonly code?: unknown; readonly statusCode?: number },
  _request: FastifyRequest,
  reply: FastifyReply,
) {
  if (error instanceof Unsold) return reply.code(422).send({ error: error.message });
  if (error instanceof Refused) return reply.code(400).send({ error: error.message });
  if (error instanceof TurnedDown && error.kind === 'Refused') return reply.code(409).send({ error: error.message });
  if (error instanceof NoWorker || error instanceof Unreachable || error instanceof Busy)
    return reply.code(503).header('retry-after', '30').send({ error: 'nobody can take this in now. Tell it again' });
  const ours = String(error.code).startsWith('FST_'); // Stripe's client throws errors with a status as well.
  const { statusCode = 500 } = ours ? error : {};
  return reply
    .code(statusCode)
    .send({ error: statusCode < 500 ? 'this is no request of ours' : 'it was not taken in. Tell it again' });
}
