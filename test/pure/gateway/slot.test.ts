import { isIPv4 } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hiddenRoute, slot, slotCount, slotPool, slotsFor, type Pool } from '../../../src/domain/hosts/slot.js';
import { refusal } from '../refusal.js';

/** Pools that are well-formed: the base on the pool's own boundary, the prefix within reach. */
const pools: fc.Arbitrary<Pool> = fc
  .record({
    length: fc.integer({ min: 8, max: 28 }),
    seed: fc.nat(2 ** 32 - 1),
    deeper: fc.integer({ min: 1, max: 10 }),
    firstPort: fc.integer({ min: 1024, max: 65_000 }),
  })
  .map(({ length, seed, deeper, firstPort }) => {
    const size = 2 ** (32 - length);
    const base = Math.floor(seed / size) * size;
    return { cidr: `${dotted(base)}/${length}`, prefix: Math.min(29, length + deeper), firstPort };
  });

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** First and last address of a network. */
function range(cidr: string): { first: number; last: number } {
  const [address = '', length = ''] = cidr.split('/');
  expect(isIPv4(address)).toBe(true);
  const first = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { first, last: first + 2 ** (32 - Number(length)) - 1 };
}

describe('the slots of a pool', () => {
  test('lie in the pool, one behind the other without overlap, each with a port of its own that exists', () => {
    fc.assert(
      fc.property(pools, (pool) => {
        const whole = range(slotPool(pool).cidr);
        const ports = new Set<number>();
        let free = whole.first;
        for (let index = 0; index < slotCount(pool); index += 1) {
          const { subnet, port } = slot(pool, index);
          const { first, last } = range(subnet);
          if (first < free || last > whole.last || port > 65_535)
            throw new Error(`slot ${index}: ${subnet} with ${port}`);
          free = last + 1;
          ports.add(port);
        }
        expect(ports.size).toBe(slotCount(pool));
      }),
      { numRuns: 60 },
    );
  });

  test('are each visited once, from a place that the name alone decides', () => {
    fc.assert(
      fc.property(pools, fc.string(), (pool, name) => {
        const visited = [...slotsFor(pool, name)];
        expect(visited).toHaveLength(slotCount(pool));
        expect(new Set(visited.map(({ port }) => port)).size).toBe(slotCount(pool));
        expect(slotsFor(pool, name).next().value).toEqual(visited[0]);
      }),
      { numRuns: 60 },
    );
  });

  test('names begin at different places', () => {
    const pool = { cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 };
    const starts = Array.from({ length: 100 }, (_, index) => slotsFor(pool, `oc-g${index}-7k3fq2`).next().value?.port);
    expect(new Set(starts).size).toBeGreaterThan(90);
  });

  test('end where the ports end', () => {
    expect(slotCount({ cidr: '10.0.0.0/8', prefix: 29, firstPort: 65_000 })).toBe(536);
    expect(slotCount({ cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 })).toBe(4_096);
  });
});

describe('a pool is refused', () => {
  const good: Pool = { cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 };
  test.each([
    [{ cidr: '10.213.0.1/16' }, 'own boundary'],
    [{ cidr: '10.213.0.0' }, 'not a network'],
    [{ cidr: '10.213.0.0/7' }, 'not a network'],
    [{ cidr: '10.213.0.0/29' }, 'not a network'],
    [{ cidr: '10.256.0.0/16' }, 'not a network'],
    [{ prefix: 16 }, 'between 17 and 29'],
    [{ prefix: 30 }, 'between 17 and 29'],
    [{ firstPort: 80 }, 'between 1024 and 65000'],
    [{ firstPort: 65_001 }, 'between 1024 and 65000'],
    [{ firstPort: 19_100.5 }, 'between 1024 and 65000'],
  ])('with %j', (wrong, why) => {
    expect(refusal(() => slotPool({ ...good, ...wrong }))).toContain(why);
  });
});

test('a route is hidden by a subnet exactly when they have an address in common', () => {
  const networks = fc
    .record({ seed: fc.nat(2 ** 32 - 1), length: fc.integer({ min: 4, max: 32 }) })
    .map(({ seed, length }) => `${dotted(seed)}/${length}`);
  fc.assert(
    fc.property(networks, networks, (subnet, cidr) => {
      const route = { cidr, device: 'tun0' };
      const [one, other] = [masked(subnet), masked(cidr)];
      const length = Math.min(one.length, other.length);
      const common = one.slice(0, length) === other.slice(0, length);
      expect(hiddenRoute(subnet, [route])).toBe(common ? route : undefined);
    }),
    { numRuns: 2_000 },
  );
});

/** The bits of a network that its addresses share. */
function masked(cidr: string): string {
  const [address = '', length = ''] = cidr.split('/');
  const bits = address.split('.').map((octet) => Number(octet).toString(2).padStart(8, '0'));
  return bits.join('').slice(0, Number(length));
}
