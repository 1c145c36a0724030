import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exceptionFrom } from '../../../src/domain/hosts/fence.js';
import {
  fenceTargets,
  fenceWord,
  isFenced,
  proves,
  whyUnfenced,
  type FenceSeen,
  type Knock,
  type Knocked,
  type Target,
} from '../../../src/domain/hosts/fence-trial.js';

const other = { address: '10.213.0.18', port: 18_789 };
const sight = {
  addresses: [
    { device: 'lo', address: '127.0.0.1' },
    { device: 'eth0', address: '192.168.1.20' },
    { device: 'br-1', address: '10.213.0.1' },
  ],
  router: '192.168.1.1',
  port: 40_001,
};
const places = (targets: readonly Target[]) =>
  targets.map(({ ground, address, port }) => `${ground} ${address}:${port}`);

describe('what is knocked at (row 72)', () => {
  it('is the host by each of its addresses, its router, nobody in each private range, the metadata service and a gateway', () => {
    expect(places(fenceTargets(sight, other, []))).toEqual([
      'host 192.168.1.20:40001',
      'host 10.213.0.1:40001',
      'private 192.168.1.1:22',
      'private 192.168.1.1:80',
      'private 192.168.1.1:443',
      'private 10.255.255.254:9',
      'private 172.31.255.254:9',
      'private 192.168.255.254:9',
      'link-local 169.254.169.254:80',
      'link-local 169.254.255.254:9',
      'gateway 10.213.0.18:18789',
    ]);
  });

  it('a router with a public address is nobody that is fenced off', () => {
    expect(places(fenceTargets({ ...sight, router: '203.0.113.1' }, other, [])).join()).not.toContain('203.0.113.1');
  });

  it('what is allowed is tried as allowed, by its port where it has one', () => {
    const allowed = ['192.168.1.1:80', '10.255.255.0/24', '10.20.0.5/32:5432'].map(exceptionFrom);
    const found = places(fenceTargets(sight, other, allowed));
    expect(found).not.toContain('private 192.168.1.1:80');
    expect(found).toContain('private 192.168.1.1:22');
    expect(found).not.toContain('private 10.255.255.254:9');
    expect(found.filter((each) => each.startsWith('allowed'))).toEqual([
      'allowed 192.168.1.1:80',
      'allowed 10.20.0.5:5432',
    ]);
  });

  it('is the host and another gateway whatever network is allowed: only the address of a host opens it', () => {
    const wide = places(fenceTargets(sight, other, ['10.0.0.0/8', '192.168.0.0/16'].map(exceptionFrom)));
    for (const each of ['host 192.168.1.20:40001', 'host 10.213.0.1:40001', 'gateway 10.213.0.18:18789'])
      expect(wide).toContain(each);
    const named = places(fenceTargets(sight, other, ['192.168.1.20', '10.213.0.18/32:18789'].map(exceptionFrom)));
    expect(named).not.toContain('host 192.168.1.20:40001');
    expect(named).toContain('gateway 10.213.0.18:18789');
  });

  it('is no more on a host with a thousand gateways', () => {
    const bridges = Array.from({ length: 1_000 }, (_, index) => ({
      device: `br-${index}`,
      address: `10.213.${index >> 4}.1`,
    }));
    const found = fenceTargets({ ...sight, addresses: [...sight.addresses, ...bridges] }, other, []);
    expect(found.filter(({ ground }) => ground === 'host')).toHaveLength(8);
    expect(places(found)).toContain('host 192.168.1.20:40001');
  });
});

describe('what a knock proves', () => {
  it.each<[Knock, Knock, ReturnType<typeof proves>]>([
    ['open', 'open', 'open'],
    ['open', 'silent', 'open'],
    ['refused', 'open', 'shut'],
    ['silent', 'open', 'shut'],
    ['refused', 'silent', 'shut'],
    ['silent', 'no route', 'shut'],
    ['silent', 'silent', 'nothing'],
    ['refused', 'refused', 'nothing'],
    ['silent', 'refused', 'nothing'],
  ])('%s for the gateway, %s for the host: %s', (gateway, host, proof) => {
    expect(proves({ gateway, host })).toBe(proof);
  });
});

const seen = (answers: (target: Target) => Pick<Knocked, 'gateway' | 'host'>, more: Partial<FenceSeen> = {}) => ({
  at: 1,
  knocked: fenceTargets(sight, other, []).map((target) => ({ ...target, ...answers(target) })),
  neighbours: 'engine' as const,
  ...more,
});
const turnedAway = { gateway: 'refused', host: 'silent' } as const;

describe('a fence as it was tried', () => {
  it('is one when everything is turned away', () => {
    const word = fenceWord(seen(() => turnedAway));
    expect(word).toEqual({ at: 1, open: [], untold: [] });
    expect(isFenced(word)).toBe(true);
    expect(whyUnfenced(word)).toBeUndefined();
  });

  it('is none when one address of a ground answers, however many others do not', () => {
    const word = fenceWord(seen(({ port }) => (port === 443 ? { gateway: 'open', host: 'open' } : turnedAway)));
    expect(word).toMatchObject({ open: ['private networks'], untold: [] });
    expect(whyUnfenced(word)).toBe('its gateways reach private networks');
  });

  it('is not proved by nobody who answers nobody', () => {
    const word = fenceWord(
      seen(({ ground }) => (ground === 'link-local' ? { gateway: 'silent', host: 'silent' } : turnedAway)),
    );
    expect(isFenced(word)).toBe(false);
    expect(whyUnfenced(word)).toBe('nothing proves that its gateways do not reach link-local addresses');
  });

  it('is none when neighbours reach the loopback; whether they do may be unseen', () => {
    const open = fenceWord(seen(() => turnedAway, { neighbours: 'open' }));
    expect(isFenced(open)).toBe(false);
    expect(whyUnfenced(open)).toBe('neighbours reach the ports on its loopback');
    expect(isFenced(fenceWord(seen(() => turnedAway, { neighbours: 'unseen' })))).toBe(true);
  });

  it('is never one while a knock of a gateway is answered', () => {
    const answer = fc.constantFrom<Knock>('open', 'refused', 'silent', 'no route');
    const count = fenceTargets(sight, other, []).length;
    fc.assert(
      fc.property(
        fc.array(fc.record({ gateway: answer, host: answer }), { minLength: count, maxLength: count }),
        (all) => {
          const answers = [...all];
          const tried = seen(() => answers.shift() ?? turnedAway);
          if (tried.knocked.some(({ gateway }) => gateway === 'open')) expect(isFenced(fenceWord(tried))).toBe(false);
        },
      ),
    );
  });
});
