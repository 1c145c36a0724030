import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../src/domain/changes/change.js';
import { pairSteps } from '../../src/workflows/pair/operation.js';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { stepsOfChange } from '../../src/workflows/operations.js';
import { DirectoryDevice } from '../world/directory-device.js';
import { testSpec } from '../world/open-test-world.js';
import {
  Interrupted,
  isBack,
  isGone,
  isKeptWhole,
  keeping,
  noGateway,
  placesOf,
  readyGateway,
  sameDevices,
  someDevices,
  upgrade,
  upgradedGateway,
  type Asked,
  type State,
} from './proofs/interrupted.js';
import type { Template, VirtualEntity, Wish } from './proofs/virtual-entity.js';

let ready: Template;
let upgraded: Template;
let none: Template;

beforeAll(async () => {
  [ready, upgraded, none] = await Promise.all([readyGateway(), upgradedGateway(), noGateway()]);
});
afterAll(() => [ready, upgraded, none].forEach((template) => template.close()));

const replacement = { number: 1, to: testSpec, save: 'a', readyMs: 60_000 } as const;
const rotation = {
  nextTokenGeneration: 2,
  nextDeviceGeneration: 1,
  reclaim: false,
  evict: false,
  approved: [],
} as const;
const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['123'] }] as const;

type Case = Asked & {
  readonly title: string;
  /** The saved states that are kept when it came to nothing. */
  readonly kept?: readonly string[];
  /** It begins on a gateway whose previous release is kept. */
  readonly after?: 'upgrade';
  /** It is limited in time. */
  readonly limited?: true;
  /** It puts devices out, which no way back lets in again. */
  readonly putsOut?: true;
};

function asked(wish: Wish, change: Change): Asked {
  return { steps: stepsOfChange(change), ask: (entity) => entity.ask(wish) };
}

/** A phone that has asked before it is let in, and comes when it is. */
function aPhone(): Asked {
  const phones = new WeakMap<VirtualEntity, DirectoryDevice>();
  return {
    steps: pairSteps,
    ask: (entity) => {
      const phone = new DirectoryDevice(entity.world.root, { displayName: 'Phone' });
      phones.set(entity, phone);
      phone.knock(entity.names.container);
      entity.ask({ kind: 'pair', wanted: { deviceId: phone.id }, role: 'operator', scopes: [], waitMs: 120_000 });
    },
    meanwhile: (entity, { step, doing, moment }) => {
      if (step === 'await device' && doing === 'do' && moment === 0) phones.get(entity)?.knock(entity.names.container);
    },
  };
}

const cases: readonly Case[] = [
  { title: 'an upgrade', ...asked(upgrade, { kind: 'upgrade', ...replacement }) },
  {
    title: 'a rollback',
    ...asked({ kind: 'rollback', readyMs: 60_000 }, { kind: 'rollback', ...replacement }),
    after: 'upgrade',
    kept: ['a'],
  },
  {
    title: 'a change of shape',
    ...asked({ kind: 'change', memoryMb: 4096, readyMs: 60_000 }, { kind: 'change', ...replacement }),
  },
  {
    title: 'other limits',
    ...asked(
      { kind: 'change', memoryMb: 4096, live: true },
      { kind: 'reconfigure', to: testSpec, channels: false, limits: true },
    ),
  },
  {
    title: 'other channels',
    ...asked({ kind: 'change', channels }, { kind: 'reconfigure', to: testSpec, channels: true }),
  },
  { title: 'a suspension', ...asked({ kind: 'suspend' }, { kind: 'suspend', since: 0, reason: '' }), limited: true },
  { title: 'a pairing', ...aPhone() },
  {
    title: 'a rotation',
    ...asked({ kind: 'rotate', reclaim: false, evict: false }, { kind: 'rotate', ...rotation }),
    limited: true,
  },
  {
    title: 'a rotation that puts everybody out',
    ...asked({ kind: 'rotate', reclaim: false, evict: true }, { kind: 'rotate', ...rotation, evict: true }),
    limited: true,
    putsOut: true,
  },
];

describe.each(cases)('at every moment of $title, in', ({ kept, after, limited, putsOut, ...each }) => {
  let interrupted: Interrupted;
  beforeAll(() => {
    interrupted = new Interrupted(after === 'upgrade' ? upgraded : ready, each);
  });
  const people = putsOut ? someDevices : sameDevices;
  const serves = async (entity: VirtualEntity, before: State) => isBack(entity, before, kept, people);
  const comesBack = async (entity: VirtualEntity, before: State) => isKeptWhole(entity, before, people);

  describe.each(placesOf(each.steps))('the $doing of $step', (place) => {
    it('removed with its state kept: one that the record names, whole, and it comes back on it', async () => {
      expect(await interrupted.everywhere(place, 'remove', comesBack)).toBeGreaterThan(0);
    });

    it('removed with its state: nothing is left', async () => {
      expect(await interrupted.everywhere(place, 'remove', isGone, true)).toBeGreaterThan(0);
    });

    it('terminated: it serves as before, on its own state', async () => {
      expect(await interrupted.everywhere(place, 'terminate', serves)).toBeGreaterThan(0);
    });

    it('cancelled: it serves as before, on its own state', async () => {
      expect(await interrupted.everywhere(place, 'cancel', serves)).toBeGreaterThan(0);
    });

    if (limited && place.doing === 'do')
      it('out of time: it serves as before', async () => {
        expect(await interrupted.everywhere(place, 'time is over', serves)).toBeGreaterThan(0);
      });
  });
});

describe('at every moment of a provision, in', () => {
  let interrupted: Interrupted;
  beforeAll(() => {
    interrupted = new Interrupted(none, {
      steps: provisionSteps,
      ask: (entity) => entity.provision({ spec: keeping }),
    });
  });

  describe.each(placesOf(provisionSteps))('the $doing of $step', (place) => {
    for (const comes of ['remove', 'terminate', 'cancel'] as const)
      it(`${comes}: nothing is left`, async () => {
        expect(await interrupted.everywhere(place, comes, isGone, true)).toBeGreaterThan(0);
      });
  });
});
