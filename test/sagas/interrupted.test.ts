import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../src/domain/change.js';
import { stepsOfChange } from '../../src/workflows/steps.js';
import { testSpec } from '../world/open-test-world.js';
import {
  Interrupted,
  isBack,
  isGone,
  isKeptWhole,
  placesOf,
  readyGateway,
  upgrade,
  upgradedGateway,
} from './interrupted.js';
import type { Template, Wish } from './virtual-entity.js';

let ready: Template;
let upgraded: Template;

beforeAll(async () => {
  [ready, upgraded] = await Promise.all([readyGateway(), upgradedGateway()]);
});
afterAll(() => [ready, upgraded].forEach((template) => template.close()));

const replacement = { number: 1, to: testSpec, save: 'a', readyMs: 2_000 } as const;
const rotation = {
  nextTokenGeneration: 2,
  nextDeviceGeneration: 1,
  reclaim: false,
  evict: false,
  approved: [],
} as const;

const cases: readonly { title: string; wish: Wish; change: Change; kept?: readonly string[] }[] = [
  { title: 'an upgrade', wish: upgrade, change: { kind: 'upgrade', ...replacement } },
  {
    title: 'a rollback',
    wish: { kind: 'rollback', readyMs: 2_000 },
    change: { kind: 'rollback', ...replacement },
    kept: ['a'],
  },
  {
    title: 'a change of shape',
    wish: { kind: 'change', memoryMb: 4096, readyMs: 2_000 },
    change: { kind: 'change', ...replacement },
  },
  {
    title: 'other limits',
    wish: { kind: 'change', memoryMb: 4096, live: true },
    change: { kind: 'reconfigure', to: testSpec, channels: false, limits: true },
  },
  {
    title: 'a rotation',
    wish: { kind: 'rotate', reclaim: false, evict: false },
    change: { kind: 'rotate', ...rotation },
  },
];

describe.each(cases)('at every moment of $title, in', ({ wish, change, kept = [] }) => {
  const interrupted = () =>
    new Interrupted(wish.kind === 'rollback' ? upgraded : ready, wish, stepsOfChange(change).at(-1) ?? '');

  describe.each(placesOf(change))('the $doing of $step', (place) => {
    it('removed with its state kept: one that the record names, whole, and it comes back on it', async () => {
      expect(await interrupted().everywhere(place, 'remove', isKeptWhole)).toBeGreaterThan(0);
    });

    it('removed with its state: nothing is left', async () => {
      expect(await interrupted().everywhere(place, 'remove', isGone, true)).toBeGreaterThan(0);
    });

    it('terminated: it serves as before, on its own state', async () => {
      const check = (...told: Parameters<typeof isKeptWhole>) => isBack(...told, kept);
      expect(
        await interrupted().everywhere(place, 'terminate', (entity, before) => check(entity, before)),
      ).toBeGreaterThan(0);
    });

    it('cancelled: it serves as before, on its own state', async () => {
      expect(
        await interrupted().everywhere(place, 'cancel', (entity, before) => isBack(entity, before, kept)),
      ).toBeGreaterThan(0);
    });
  });
});
