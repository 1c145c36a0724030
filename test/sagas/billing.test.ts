import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proposedBirth } from '../../src/client/gateways.js';
import type { Notice } from '../../src/domain/billing/account.js';
import { names } from '../../src/domain/gateway/gateway.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { checkBill, hearBill } from '../../src/workflows/billing/bill.js';
import { settle, settlesAt } from '../../src/workflows/billing/settle.js';
import { openTestWorld, testDeployment, testSpec } from '../world/open-test-world.js';
import { asTold, inOrder, stories, type Told } from '../world/subscription-stories.js';
import { VirtualEntity } from './proofs/virtual-entity.js';

const day = 24 * 3_600_000;
const terms = { unpaidMs: 7 * day, endedMs: day };
const place = { provider: 'local', host: 'local' } as const;
const whose = { deployment: testDeployment, gateway: 'g42', limits: defaultLimits };
const small = { ...testSpec, keepStateMs: 14 * day };

/** A gateway that somebody's subscription pays for, as its record hears of it. */
class Subscriber {
  readonly entity: VirtualEntity;
  readonly #began: number;

  constructor(entity: VirtualEntity) {
    this.entity = entity;
    this.#began = entity.now;
  }

  /** Tells it, on the day on which it is told, and has everything done that follows. */
  async hear({ id, day: at, standing, final }: Told, spec = small): Promise<string> {
    const notice: Notice = {
      id,
      subscription: 'g42',
      at: this.#began + at * day,
      standing,
      ...(final && { final }),
    };
    const order = standing === 'active' ? { order: { spec, place, birth: proposedBirth('g42', id) } } : {};
    const bill = { notice, terms, origin: 'test', ...order };
    checkBill('g42', this.entity.state, bill);
    const { how } = hearBill(whose, this.entity.state, bill, this.entity.now);
    await this.settled();
    return how;
  }

  /** Until this day, with everything done that comes due on the way. */
  async until(last: number): Promise<void> {
    const end = this.#began + last * day;
    for (;;) {
      const at = settlesAt(this.entity.state, this.entity.now);
      if (at === undefined || at > end) break;
      await this.entity.pass(at - this.entity.now);
      await this.settled();
    }
    if (this.entity.now < end) await this.entity.pass(end - this.entity.now);
    await this.settled();
  }

  async settled(): Promise<void> {
    for (let count = 0; count < 10; count += 1) {
      settle(this.entity.state, whose, this.entity.now);
      if (this.entity.state.queue.length === 0) return;
      await this.entity.drain();
    }
    assert.fail('it never comes to rest');
  }

  /** How its container is; undefined without one. */
  async container(): Promise<string | undefined> {
    const { life } = this.entity.state;
    return life && (await this.entity.world.engine.findContainer(names(life.gateway.mark).container))?.state;
  }

  async is(): Promise<string> {
    return `${this.entity.state.phase}, container ${(await this.container()) ?? 'none'}`;
  }
}

async function withSubscriber(run: (subscriber: Subscriber) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    await run(new Subscriber(new VirtualEntity(world)));
  } finally {
    world.close();
  }
}

describe('a gateway that a subscription pays for (K-2)', () => {
  it('is begun when it is paid, suspended after the grace, resumed when paid late, and removed when it ended', () =>
    withSubscriber(async (subscriber) => {
      await subscriber.hear({ id: 'a', day: 0, standing: 'active' });
      expect(await subscriber.is()).toBe('ready, container running');
      const before = subscriber.entity.gateway;
      await subscriber.until(30);
      await subscriber.hear({ id: 'b', day: 30, standing: 'past due' });
      await subscriber.until(36);
      expect(await subscriber.is()).toBe('ready, container running');
      await subscriber.until(38);
      expect(await subscriber.is()).toBe('suspended, container exited');
      expect(subscriber.entity.state.reason).toMatch(/^unpaid since 19/);
      await subscriber.hear({ id: 'c', day: 39, standing: 'active' });
      expect(await subscriber.is()).toBe('ready, container running');
      expect(subscriber.entity.gateway).toEqual(before);
      await subscriber.until(60);
      await subscriber.hear({ id: 'd', day: 60, standing: 'ended', final: true });
      expect(await subscriber.is()).toBe('ready, container running');
      await subscriber.until(62);
      expect(await subscriber.is()).toBe('removed, container none');
      expect(subscriber.entity.state.life?.stateKeptUntil).toBeGreaterThan(subscriber.entity.now);
      for (const late of [
        { id: 'e', day: 59, standing: 'past due' },
        { id: 'f', day: 63, standing: 'active' },
      ] as const)
        await subscriber.hear(late);
      expect(await subscriber.is()).toBe('removed, container none');
    }));

  it('is not begun by what was not paid, nor again by an invoice after an operator has removed it', () =>
    withSubscriber(async (subscriber) => {
      await subscriber.hear({ id: 'a', day: 0, standing: 'past due' });
      await subscriber.until(10);
      expect(await subscriber.is()).toBe('none, container none');
      await subscriber.hear({ id: 'b', day: 10, standing: 'active' });
      expect(await subscriber.is()).toBe('ready, container running');
      subscriber.entity.remove(true);
      await subscriber.settled();
      await subscriber.entity.drain();
      await subscriber.hear({ id: 'c', day: 40, standing: 'active' });
      expect(await subscriber.is()).toBe('removed, container none');
    }));

  it('that a person has suspended is not resumed by a payment', () =>
    withSubscriber(async (subscriber) => {
      await subscriber.hear({ id: 'a', day: 0, standing: 'active' });
      subscriber.entity.ask({ kind: 'suspend', reason: 'abuse' });
      await subscriber.settled();
      await subscriber.hear({ id: 'b', day: 1, standing: 'active' });
      expect(await subscriber.is()).toBe('suspended, container exited');
    }));

  it('that a person resumes unpaid serves until something else is told of its subscription', () =>
    withSubscriber(async (subscriber) => {
      await subscriber.hear({ id: 'a', day: 0, standing: 'active' });
      await subscriber.hear({ id: 'b', day: 1, standing: 'past due' });
      await subscriber.until(9);
      expect(await subscriber.is()).toBe('suspended, container exited');
      subscriber.entity.ask({ kind: 'resume' });
      await subscriber.settled();
      await subscriber.until(20);
      expect(await subscriber.is()).toBe('ready, container running');
      await subscriber.hear({ id: 'c', day: 20, standing: 'active' });
      await subscriber.hear({ id: 'd', day: 21, standing: 'past due' });
      await subscriber.until(29);
      expect(await subscriber.is()).toBe('suspended, container exited');
    }));

  it('is not begun by what is older than whatever is remembered of the removed', () =>
    withSubscriber(async (subscriber) => {
      await subscriber.until(16);
      expect(await subscriber.hear({ id: 'a', day: 1, standing: 'active' })).toBe('forgotten');
      expect(await subscriber.is()).toBe('none, container none');
      expect(await subscriber.hear({ id: 'b', day: 2, standing: 'active' })).toBe('news');
      expect(await subscriber.is()).toBe('ready, container running');
    }));

  it('that is refused is said, tried again, and begun once nothing is in its way', () =>
    withSubscriber(async (subscriber) => {
      await subscriber.hear({ id: 'a', day: 0, standing: 'active' });
      const { birth } = subscriber.entity.gateway.mark;
      subscriber.entity.remove(true);
      await subscriber.settled();
      await subscriber.entity.drain();
      await subscriber.hear({ id: 'b', day: 1, standing: 'ended' });
      await subscriber.until(3);
      const { state } = subscriber.entity;
      const left = [{ step: 'join network', kind: 'Refused', reason: 'somebody is on it' }] as const;
      if (state.life) state.life.left = [...left];
      await subscriber.hear({ id: 'c', day: 3, standing: 'active' });
      expect(state.paid?.refused).toMatch(/is not removed whole yet/);
      expect(await subscriber.is()).toBe('removed, container none');
      if (state.life) state.life.left = [];
      await subscriber.until(4);
      expect(await subscriber.is()).toBe('ready, container running');
      expect(state.paid?.refused).toBeUndefined();
      expect(subscriber.entity.gateway.mark.birth).not.toBe(birth);
    }));

  it('gets the size of another plan, and a customer who comes back the state that was kept', () =>
    withSubscriber(async (subscriber) => {
      await subscriber.hear({ id: 'a', day: 0, standing: 'active' });
      await subscriber.hear({ id: 'b', day: 1, standing: 'active' }, { ...small, memoryMb: 3_072, cpus: 1 });
      expect(subscriber.entity.gateway.spec).toMatchObject({ memoryMb: 3_072, cpus: 1 });
      const { birth } = subscriber.entity.gateway.mark;
      await subscriber.hear({ id: 'c', day: 2, standing: 'ended' });
      await subscriber.until(4);
      expect(await subscriber.is()).toBe('removed, container none');
      await subscriber.hear({ id: 'd', day: 5, standing: 'active' });
      expect(await subscriber.is()).toBe('ready, container running');
      expect(subscriber.entity.gateway.mark.birth).toBe(birth);
    }));

  it('ends in the state that its story ends in, whatever the order, delays, doubles and losses of what is told', () =>
    fc.assert(
      fc.asyncProperty(stories, async (story) => {
        const ends: string[] = [];
        for (const told of [inOrder(story), asTold(story)])
          await withSubscriber(async (subscriber) => {
            for (const { on, event } of told) {
              await subscriber.until(on);
              await subscriber.hear(event);
            }
            await subscriber.until(150);
            ends.push(await subscriber.is());
          });
        const [first, other] = ends.map((end) => end.replace(/^(none|removed),/, 'gone,'));
        expect(other).toBe(first);
      }),
      { numRuns: 250 },
    ));
});
