import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gatewayOfSubscription } from '../../src/domain/billing/subscription.js';
import type { Description } from '../../src/wire/description.js';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import { describeQuery } from '../../src/wire/messages.js';
import { FrontProcess, ownSecret } from '../ground/front-process.js';
import { Keyboard } from '../ground/keyboard.js';
import { patienceMs } from '../ground/patience.js';
import { DirectoryPager } from '../world/directory-pager.js';

let keyboard: Keyboard;
let front: FrontProcess;

beforeAll(async () => {
  keyboard = await Keyboard.open();
  await keyboard.ground.startWorker();
  front = await FrontProcess.open(keyboard);
}, patienceMs);

afterAll(async () => {
  await front?.end('SIGKILL');
  await keyboard.close();
});

async function described(id: string): Promise<Description | undefined> {
  const client = await keyboard.stage.client();
  return client.workflow
    .getHandle(gatewayWorkflowId(id))
    .query(describeQuery)
    .catch(() => undefined);
}

const comesTo = (id: string, what: object) =>
  expect.poll(() => described(id), { timeout: patienceMs, interval: 250 }).toMatchObject(what);

const comesToPhase = (id: string, phase: string) => comesTo(id, { phase });

const pages = () => new DirectoryPager(keyboard.ground.root).pages();
const isPaged = (text: string) =>
  expect
    .poll(() => pages().map((page) => `${page.title}: ${page.text}`), { timeout: patienceMs })
    .toContainEqual(expect.stringContaining(text));

/** Whatever was begun by what was told until now has begun: a subscription that is told after it is served. */
async function everythingHeard(name: string): Promise<void> {
  await front.own(`${name} after`, { subscription: name, standing: 'active', at: new Date().toISOString() });
  await comesToPhase(name, 'ready');
}

const now = () => Math.floor(Date.now() / 1000);
let events = 0;

function event(type: string, object: object, created = now()): { readonly id: string; readonly type: string } {
  events += 1;
  const asSent = { object: 'event', api_version: '2026-06-30', livemode: false, pending_webhooks: 1 };
  return { ...asSent, id: `evt_${events}`, type, created, data: { object } } as { id: string; type: string };
}

const items = (price: string) => ({ data: [{ price: { id: price } }] });

describe('the front door (K-2)', () => {
  it('begins what Stripe says is paid, suspends, resumes and removes it; each event once, whatever dies meanwhile', async () => {
    const id = gatewayOfSubscription('sub_A');
    const paid = event('customer.subscription.created', { id: 'sub_A', status: 'active', items: items('price_small') });
    const answers = await Promise.all([front.stripe(paid), front.stripe(paid), front.stripe(paid)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await Promise.all([front.end('SIGKILL'), keyboard.ground.killWorkers()]);
    await Promise.all([front.begin(), keyboard.ground.startWorker()]);
    await comesToPhase(id, 'ready');
    const first = await described(id);

    const failed = event('invoice.payment_failed', { subscription: 'sub_A' }, now() + 1);
    expect((await front.stripe(failed)).status).toBe(200);
    await Promise.all([front.end('SIGKILL'), keyboard.ground.killWorkers()]);
    await Promise.all([front.begin(), keyboard.ground.startWorker()]);
    await comesToPhase(id, 'suspended');
    const late = event('invoice.paid', { subscription: 'sub_A', lines: items('price_small') }, now() + 2);
    expect((await front.stripe(late)).status).toBe(200);
    await comesToPhase(id, 'ready');
    expect((await described(id))?.life?.mark).toEqual(first?.life?.mark);

    const larger = { id: 'sub_A', status: 'active', items: items('price_large') };
    expect((await front.stripe(event('customer.subscription.updated', larger, now() + 3))).status).toBe(200);
    await comesTo(id, { life: { spec: { memoryMb: 3_072 } } });

    const ended = event('customer.subscription.deleted', { id: 'sub_A', status: 'canceled' }, now() + 5);
    expect((await front.stripe(ended)).status).toBe(200);
    await comesToPhase(id, 'removed');
    const again = event('customer.subscription.updated', larger, now() + 60);
    expect(await (await front.stripe(again)).json()).toMatchObject({ gateway: id, standing: 'ended' });
    for (const each of [paid, failed, late, ended]) expect((await front.stripe(each)).status).toBe(200);
    await everythingHeard('after-a');
    expect(await described(id)).toMatchObject({ phase: 'removed', life: first?.life && { mark: first.life.mark } });
  }, 300_000);

  it('hears any other billing system, from two front doors at once, with one notice each', async () => {
    const other = await FrontProcess.open(keyboard);
    const notice = { subscription: 'c1001', standing: 'active', plan: 'small', at: new Date().toISOString() };
    const told = await Promise.all([front, other, front, other].map((each) => each.own('msg_1', notice)));
    expect(told.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await comesToPhase('c1001', 'ready');
    expect(await other.end('SIGTERM')).toBe(0);
    const { ended, paid } = (await described('c1001')) as Description & { ended?: unknown };
    expect(paid).toMatchObject({ subscription: 'c1001', standing: 'active', plan: 'small' });
    expect(ended).toBeUndefined();
  }, 120_000);

  it('hears the signed curl of the examples', async () => {
    const tell = (...args: readonly string[]) =>
      execa('sh', ['examples/signed-webhook/tell.sh', ...args], {
        env: { CREEL_BILLING_SECRET: ownSecret, CREEL_FRONT: front.url },
        reject: false,
      });
    const told = await tell('c1005', 'active', 'small');
    expect(JSON.parse(told.stdout)).toEqual({ heard: 'news', gateway: 'c1005', standing: 'active' });
    await comesToPhase('c1005', 'ready');
    const second = () => Math.floor(Date.now() / 1000);
    const heardAt = second();
    await expect.poll(second, { timeout: patienceMs }).toBeGreaterThan(heardAt); // The clock of a shell has no finer times.
    expect(JSON.parse((await tell('c1005', 'past due')).stdout)).toMatchObject({ standing: 'past due' });
    const refused = await tell('c1005', 'owing');
    expect(refused).toMatchObject({ exitCode: 22, stdout: expect.stringContaining('standing') });
    expect(await (await fetch(`${front.url}/openapi.json`)).json()).toEqual(
      JSON.parse(fs.readFileSync('docs/front-door.openapi.json', 'utf8')),
    );
  }, 120_000);

  it('takes nothing that is not signed, is old, oversized or malformed, and repeats none of it', async () => {
    const paid = event('customer.subscription.created', { id: 'sub_X', status: 'active', items: items('price_small') });
    const payload = JSON.stringify(paid);
    const at = new Date().toISOString();
    const bad = [
      await front.stripe(paid, 'whsec_of_somebody_else'),
      await front.stripe(paid, undefined, { headers: {} }),
      await front.stripe(paid, undefined, { headers: front.signedBefore(paid, 3_600) }),
      await front.stripe(paid, undefined, { body: payload.replace('sub_X', 'sub_Y') }),
      await front.stripe(paid, undefined, { body: '' }),
      await front.own('msg_2', { subscription: 'c1002', standing: 'paid', at }),
      await front.own('msg_3', { subscription: 'c1002', standing: 'active', at }, `whsec_${btoa('another')}`),
      await front.own('msg_4', { subscription: 'c1002', standing: 'active', at, admin: true }),
      await front.own('msg_5', { subscription: 'c1002', standing: 'active' }),
    ];
    expect(bad.map(({ status }) => status)).toEqual(bad.map(() => 400));
    for (const answer of bad) expect(await answer.text()).not.toMatch(/sub_|c1002/);
    expect((await front.stripe({ ...paid, padding: 'x'.repeat(300_000) })).status).toBe(413);
    expect(await front.is('/nothing')).toBe(404);
    await everythingHeard('after-x');
    for (const id of [gatewayOfSubscription('sub_X'), gatewayOfSubscription('sub_Y'), 'c1002'])
      expect(await described(id)).toBeUndefined();
    expect(front.said).not.toMatch(/sub_|c1002|whsec|evt_/);
  }, 60_000);

  it('waits ten seconds for a request that trickles in, and hears others meanwhile', async () => {
    const slow = net.connect(front.port, '127.0.0.1');
    const ended = once(slow, 'close');
    slow.on('error', () => undefined);
    slow.write('POST /stripe HTTP/1.1\r\nhost: front\r\ncontent-length: 100\r\n\r\n{"id"');
    expect(await front.is('/healthz')).toBe(200);
    const began = Date.now();
    slow.resume();
    await ended;
    expect(Date.now() - began).toBeLessThan(30_000);
  }, 60_000);

  it('does not acknowledge what no plan names, tells a person once, and hears it once a plan does', async () => {
    const paid = event('customer.subscription.created', { id: 'sub_N', status: 'active', items: items('price_new') });
    for (const answer of [await front.stripe(paid), await front.stripe(paid)]) {
      expect(answer.status).toBe(422);
      expect(await answer.text()).toContain('no plan names');
    }
    await isPaged('Paid for, and sold by no plan: sub_N was paid for, and no plan names "price_new"');
    expect(pages().filter(({ text }) => text.includes('sub_N'))).toHaveLength(1);
    const id = gatewayOfSubscription('sub_N');
    expect(await described(id)).toBeUndefined();
    front.sells('price_small', 'price_new');
    await front.end('SIGTERM');
    await front.begin();
    expect((await front.stripe(paid)).status).toBe(200);
    await comesToPhase(id, 'ready');
    expect((await keyboard.creel(['list'])).stdout).toContain(id);
  }, 120_000);

  it('tells a person that money went back, and leaves the gateway alone', async () => {
    const refund = event('charge.refunded', { id: 'ch_R', customer: 'cus_R', payment_intent: 'pi_R' });
    const dispute = event('charge.dispute.created', { id: 'dp_R', payment_intent: 'pi_D' });
    for (const each of [refund, dispute, refund]) expect((await front.stripe(each)).status).toBe(200);
    await isPaged('A payment was refunded: Stripe');
    await isPaged('A payment is disputed: Stripe');
    expect(pages().filter(({ text }) => text.includes('cus_R'))).toHaveLength(1);
  }, 60_000);

  it('begins nothing by a payment of long ago whose subscription nobody remembers, and tells a person', async () => {
    const old = event('invoice.paid', { subscription: 'sub_O', lines: items('price_small') }, now() - 15 * 86_400);
    expect(await (await front.stripe(old)).json()).toMatchObject({ heard: 'forgotten' });
    await isPaged('A subscription was paid for long ago: sub_O');
    const id = gatewayOfSubscription('sub_O');
    expect(await described(id)).toMatchObject({ phase: 'none' });
    const small = path.join(keyboard.ground.root, 'small.toml');
    expect(await keyboard.creel(['provision', id, '-f', small])).toMatchObject({ exitCode: 0 });
    await comesToPhase(id, 'ready');
  }, 120_000);

  it('says 503 while nobody can take it in; told again it is heard, and it stops when what it began is answered', async () => {
    expect(await front.is('/readyz')).toBe(200);
    await keyboard.ground.killWorkers();
    const notice = { subscription: 'c1003', standing: 'active', at: new Date().toISOString() };
    expect((await front.own('msg_6', notice)).status).toBe(503);
    await expect.poll(() => front.is('/readyz'), { timeout: patienceMs }).toBe(503);
    expect(await front.is('/healthz')).toBe(200);
    const worker = await keyboard.ground.startWorker();
    await expect.poll(() => front.is('/readyz'), { timeout: patienceMs }).toBe(200);
    expect((await front.own('msg_6', notice)).status).toBe(200);
    await comesToPhase('c1003', 'ready');

    worker.kill('SIGSTOP'); // What is told now is on its way when the front door is asked to stop.
    const last = front.own('msg_7', { ...notice, subscription: 'c1004' });
    const client = await keyboard.stage.client();
    const isThere = () => client.workflow.getHandle(gatewayWorkflowId('c1004')).describe();
    await expect
      .poll(
        () =>
          isThere().then(
            () => true,
            () => false,
          ),
        { timeout: patienceMs },
      )
      .toBe(true);
    const code = front.end('SIGTERM');
    await expect.poll(() => front.is('/healthz'), { timeout: patienceMs }).not.toBe(200);
    worker.kill('SIGCONT');
    expect((await last).status).toBe(200);
    expect(await code).toBe(0);
    await comesToPhase('c1004', 'ready');
  }, 300_000);
});
