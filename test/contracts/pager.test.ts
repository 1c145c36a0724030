import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { LogPager } from '../../src/adapters/pager/log-pager.js';
import { WebhookPager } from '../../src/adapters/pager/webhook-pager.js';
import { Refused } from '../../src/domain/errors.js';
import { Secret } from '../../src/domain/secret.js';
import type { Page, Pager } from '../../src/ports/pager.js';
import { DirectoryPager } from '../world/directory-pager.js';

const page: Page = {
  id: 'gateway/g42/7k3fq2/3-provision/undo',
  gateway: 'g42',
  title: 'an undo is stuck',
  text: 'remove network has been failing for 10 minutes',
  at: '2026-11-21T08:00:00.000Z',
};

/** A pager and what reached the person behind it: ids, once for each event. */
type PagerAtHand = { readonly pager: Pager; readonly reached: () => string[] };

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

describe.each([
  ['a directory of pages', openDirectory],
  ['a signed webhook', async () => openWebhook([])],
  ['the log', openLog],
])('%s', (_name, open: () => Promise<PagerAtHand>) => {
  test('reaches a person, and the same page again is one event', async () => {
    const { pager, reached } = await open();
    await pager.page(page);
    await pager.page(page);
    await pager.page({ ...page, id: 'another' });
    expect([...new Set(reached())].toSorted()).toEqual(['another', page.id]);
  });
});

describe('the webhook', () => {
  test('that is not acknowledged is an error each time, and is sent again under the same id, signed anew', async () => {
    const { pager, deliveries } = await openWebhook([500, 302]);
    await expect(pager.page(page)).rejects.toThrow(/answered 500 to page/);
    await expect(pager.page(page)).rejects.toThrow(/answered 302/);
    await pager.page(page);
    expect(deliveries.map(({ id }) => id)).toEqual([page.id, page.id, page.id]);
    const { gateway, title, text } = page;
    expect(deliveries[2]?.body).toEqual({ type: 'creel.page', timestamp: page.at, data: { gateway, title, text } });
  });

  test('names the host that does not answer, and neither its path nor the secret', async () => {
    const { pager, close } = await openWebhook([]);
    await close();
    const error = await pager.page(page).catch((each: unknown) => each);
    expect(String(error)).toMatch(/the pager at 127\.0\.0\.1:\d+ did not answer \(ECONNREFUSED\)/);
    expect(String(error)).not.toContain('path-is-a-secret');
  });

  test('with a malformed secret is refused when it is made, without the secret', () => {
    const target = { url: 'http://127.0.0.1:1/', secret: new Secret('whsec_not base64!') };
    const make = () => new WebhookPager(target);
    expect(make).toThrow(Refused);
    expect(make).not.toThrow(/not base64!/);
  });
});

async function openDirectory(): Promise<PagerAtHand> {
  const root = mkdtempSync(path.join(tmpdir(), 'oc-dt-pager-'));
  cleanUps.push(() => rmSync(root, { recursive: true }));
  const pager = new DirectoryPager(root);
  return { pager, reached: () => pager.pages().map(({ id }) => id) };
}

async function openLog(): Promise<PagerAtHand> {
  const lines: { page: Page }[] = [];
  const pager = new LogPager({ error: (fields: { page: Page }) => void lines.push(fields) });
  return { pager, reached: () => lines.map((line) => line.page.id) };
}

type Delivery = { readonly id: string; readonly body: unknown };

/** A receiver that verifies each delivery, answers with these codes first, and with 204 from then on. */
async function openWebhook(codes: number[]) {
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const deliveries: Delivery[] = [];
  const take = async (request: IncomingMessage): Promise<number> => {
    const headers = z.record(z.string(), z.string()).parse(request.headers);
    const body = new Webhook(secret).verify(await textOf(request), headers);
    deliveries.push({ id: headers['webhook-id'] ?? '', body });
    return codes.shift() ?? 204;
  };
  const server = createServer((request, response) => {
    void take(request).then((code) => response.writeHead(code, { location: '/elsewhere' }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  cleanUps.push(close);
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const pager = new WebhookPager({ url: `http://127.0.0.1:${port}/path-is-a-secret`, secret: new Secret(secret) });
  return { pager, deliveries, reached: () => deliveries.map(({ id }) => id), close };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
