import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Client } from '@temporalio/client';
import { TurnedDown } from '../../client/failure.js';
import { ask } from '../../client/gateways.js';
import { letIn, visitOf } from '../../client/invite.js';
import { openGateway, showToken } from '../../client/looks.js';
import { demandServing } from '../../client/serving.js';
import type { Visit } from '../../domain/invitation/invitation.js';
import { newRecipient } from '../../domain/keys/seal.js';
import { guestsAtOnce } from '../../domain/thresholds.js';
import { guestPath } from '../../wire/invitation.js';
import {
  earlyPage,
  openPage,
  overPage,
  suspendedPage,
  unknownPage,
  unreachedPage,
  welcomePage,
  type Page,
} from './page.js';

type Guest = { readonly gateway: string; readonly secret: string };
type Asked = FastifyRequest<{ Params: Guest }>;

const form = {
  type: 'object',
  properties: {
    gateway: { type: 'string', pattern: '^[a-z0-9-]{1,40}$' },
    secret: { type: 'string', pattern: '^[A-Za-z0-9_-]{32}$' },
  },
} as const;

/**
 * Lets customers in by their links: a look at the page uses nothing up, the button does. What it shows then comes sealed
 * from a worker to this one request, and is kept nowhere.
 */
export function welcomeGuests(server: FastifyInstance, client: Client): void {
  let guests = 0;
  const answer =
    (how: (client: Client, guest: Guest) => Promise<Page>) => async (request: Asked, reply: FastifyReply) => {
      if (request.validationError) return send(reply, unknownPage());
      if (guests >= guestsAtOnce) return send(reply, unreachedPage());
      guests += 1;
      try {
        return await send(reply, await how(client, request.params));
      } finally {
        guests -= 1;
      }
    };
  const path = `${guestPath}/:gateway/:secret`;
  const errorHandler = (_: Error, _request: unknown, reply: FastifyReply) => send(reply, unreachedPage());
  const routed = { schema: { params: form }, errorHandler, attachValidation: true };
  server.get<{ Params: Guest }>(path, routed, answer(looked));
  server.post<{ Params: Guest }>(path, routed, answer(entered));
}

async function looked(client: Client, { gateway, secret }: Guest): Promise<Page> {
  return pageOf(await visitOf(client, gateway, secret));
}

/** The link is used up last: whatever fails before leaves it good. */
async function entered(client: Client, { gateway, secret }: Guest): Promise<Page> {
  const visit = await visitOf(client, gateway, secret);
  if (visit.is !== 'welcome') return pageOf(visit);
  const who = 'the customer, by an invitation';
  const life = demandServing(await ask(client, gateway));
  const recipient = await newRecipient();
  const { sealed, expiresAt } = await openGateway(client, life, recipient.publicKey, who);
  const token = await showToken(client, life, recipient.publicKey, who);
  const url = await recipient.open(sealed, `creel open ${gateway}`);
  const shown = await recipient.open(token, `creel token show ${gateway}`);
  try {
    await letIn(client, gateway, secret, randomUUID());
  } catch (error) {
    if (!(error instanceof TurnedDown)) throw error;
    return pageOf(await visitOf(client, gateway, secret)); // Somebody else was quicker.
  }
  return openPage(url.reveal(), shown.reveal(), Math.floor((Date.parse(expiresAt) - Date.now()) / 60_000));
}

function pageOf(visit: Visit): Page {
  switch (visit.is) {
    case 'early':
      return earlyPage(visit.phase);
    case 'suspended':
      return suspendedPage();
    case 'over':
      return overPage(visit.why);
    case 'unknown':
      return unknownPage();
    case 'welcome':
      return welcomePage();
  }
}

async function send(reply: FastifyReply, { status, html }: Page): Promise<FastifyReply> {
  return reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    })
    .send(html.text);
}
