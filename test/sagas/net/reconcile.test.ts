import { describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { jsonBytes } from '../../../src/domain/cut.js';
import { gatewayContainer } from '../../../src/domain/gateway/container.js';
import { markLabels, names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { driftPageLength, sweepNames, sweepRemembers } from '../../../src/domain/thresholds.js';
import type { Description } from '../../../src/wire/description.js';
import type { Drifted } from '../../../src/wire/reconcile.js';
import type { Request } from '../../../src/wire/requests.js';
import {
  newReconciliation,
  noteRepair,
  reconcileResult,
  turnDriftPage,
} from '../../../src/workflows/hosts/reconcile-state.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { imageOf, openTestWorld, testSpec, type TestWorld } from '../../world/open-test-world.js';

const imageId = `sha256:${'1'.repeat(64)}`;

/** A gateway that is there, and its record. */
class Standing {
  readonly world: TestWorld = openTestWorld();
  readonly gateway: Gateway;
  readonly told: Description;
  readonly asked: Request[] = [];
  /** Called before the record is read, with how often it was. */
  onRead: (time: number) => Partial<Description> = () => ({});
  #reads = 0;

  constructor(repair?: 'scheduled') {
    const made = this.world.gateway('g42');
    this.gateway = { ...made, spec: { ...testSpec, ...(repair && { repair }) } };
    this.told = {
      phase: 'ready',
      life: this.gateway,
      record: { imageId },
      queue: [],
      last: { operation: 1 },
    } as unknown as Description;
  }

  async make(): Promise<void> {
    const { engine } = this.world;
    const own = names(this.gateway.mark);
    const labels = markLabels(this.gateway.mark);
    await engine.createVolume({ name: own.volume, labels });
    await engine.createNetwork({ name: own.network, labels, subnet: '10.9.1.0/24' });
    await engine.createContainer(gatewayContainer(this.gateway, imageId, 19_000));
    await engine.startContainer(await this.id());
  }

  async id(): Promise<string> {
    return (await this.world.engine.findContainer(names(this.gateway.mark).container))?.id ?? '';
  }

  get activities() {
    const records = {
      ...this.world.deps.records,
      standingOn: async function* () {
        yield 'g42';
      },
      describe: async () => {
        this.#reads += 1;
        return { ...this.told, ...this.onRead(this.#reads) };
      },
      request: async (_gateway: string, asked: Request) => {
        this.asked.push(asked);
        return true;
      },
    };
    return createActivities({ ...this.world.deps, records });
  }

  async drifts(): Promise<readonly string[] | undefined> {
    const engine = engineIdAt(this.world.root);
    const { drifted } = await this.activities.findUnlikeRecord({ engine, after: '', limit: 9 });
    return drifted[0]?.drifts;
  }
}

async function standing(run: (standing: Standing) => Promise<void>, repair?: 'scheduled'): Promise<void> {
  const standing = new Standing(repair);
  try {
    await standing.make();
    await run(standing);
  } finally {
    standing.world.close();
  }
}

const hurts: readonly (readonly [string, (standing: Standing) => unknown, RegExp])[] = [
  [
    'a container that was stopped',
    async (each) => each.world.engine.stopContainer(await each.id(), 1),
    /does not run \(exited\)/,
  ],
  [
    'a container that is gone',
    async (each) => each.world.engine.removeContainer(await each.id()),
    /container .* is missing/,
  ],
  [
    'other limits of memory and processors',
    async (each) => each.world.engine.updateContainer(await each.id(), { memoryMb: 1024, cpus: 0 }),
    /1024 MB of memory, and 2048 MB are on record.*no limit of cpus, and 1 are/,
  ],
  [
    'a volume that is gone',
    (each) => each.world.engine.forget('volume', names(each.gateway.mark).volume),
    /volume .* is missing/,
  ],
  [
    'a network that is gone',
    (each) => each.world.engine.forget('network', names(each.gateway.mark).network),
    /network .* is missing/,
  ],
  [
    'another image',
    async (each) => {
      await each.world.engine.removeContainer(await each.id());
      const other = (await each.world.engine.findImage(imageOf('2026.9.7')))?.id ?? '';
      await each.world.engine.createContainer(gatewayContainer(each.gateway, other, 19_000));
      await each.world.engine.startContainer(await each.id());
    },
    /it has image 222222222222, and was proved with 111111111111/,
  ],
];

describe('a ready gateway', () => {
  it('that is there as recorded has nothing to reconcile', () =>
    standing(async (each) => expect(await each.drifts()).toBeUndefined()));

  it.each(hurts)('with %s is named', (_what, hurt, says) =>
    standing(async (each) => {
      await hurt(each);
      const found = await each.drifts();
      expect(found?.join('; ')).toMatch(says);
    }),
  );

  it('that is being worked on, or was meanwhile, is left to that', () =>
    standing(async (each) => {
      await each.world.engine.removeContainer(await each.id());
      each.onRead = () => ({ queue: [{ operation: 2, kind: 'upgrade' }] });
      expect(await each.drifts()).toBeUndefined();
      each.onRead = () => ({ phase: 'removed' });
      expect(await each.drifts()).toBeUndefined();
      each.onRead = (time) => (time % 2 === 0 ? { phase: 'repairing' } : {});
      expect(await each.drifts()).toBeUndefined();
      each.onRead = () => ({});
      expect(await each.drifts()).toHaveLength(1);
    }));

  it('is asked for one repair with its own spec, unless it is another by now', () =>
    standing(async (each) => {
      const asked = { gateway: 'g42', birth: each.gateway.mark.birth, engine: 'e', run: 'reconcile/1' };
      expect(await each.activities.requestRepair(asked)).toBeUndefined();
      expect(each.asked).toMatchObject([
        { kind: 'provision', how: 'new', requestId: 'reconcile/1-g42', spec: each.gateway.spec },
      ]);
      expect(await each.activities.requestRepair({ ...asked, birth: 'zzzzzz' })).toBe('it is not ready any more');
      expect(each.asked).toHaveLength(1);
    }, 'scheduled'));
});

describe('a reconciliation', () => {
  const drifted = (index: number, drifts = ['it does not run']): Drifted => ({
    gateway: `g${String(index).padStart(29, '0')}`,
    birth: '7k3fq2',
    engine: 'ABCD:'.repeat(12),
    drifts,
    repairs: true,
  });

  it('counts what it found before as known, and what is another drift as new', () => {
    const first = newReconciliation({ engines: [{ engine: 'one', attended: true }] });
    turnDriftPage(first, { ready: 2, drifted: [drifted(1), drifted(2)] }, 5);
    const { memory, counts } = reconcileResult(first, false, 6);
    expect(counts).toEqual({ drifted: 2, news: 2, repairs: 0 });
    const next = newReconciliation({ engines: [{ engine: 'one', attended: true }], memory });
    turnDriftPage(next, { ready: 2, drifted: [drifted(1), drifted(2, ['another image'])] }, 7);
    for (const each of next.repairs) noteRepair(next, each, undefined);
    const result = reconcileResult(next, false, 8);
    expect(result.counts).toEqual({ drifted: 2, news: 1, repairs: 2 });
    expect(result.drifted.map(({ since, done }) => [since, done])).toEqual([
      [7, 'asked for a repair'],
      [5, 'asked for a repair'],
    ]);
  });

  it('carries and answers at most 256 KB, however many gateways there are', () => {
    const long = [
      `container oc-${'g'.repeat(40)} is missing`,
      `volume oc-${'g'.repeat(40)}-state is missing, with the state in it`,
    ];
    const page = (from: number) => ({
      ready: driftPageLength,
      drifted: Array.from({ length: driftPageLength }, (_, index) => drifted(from + index, long)),
      next: String(from),
    });
    expect(jsonBytes(page(0))).toBeLessThan(256 * 1024);
    const state = newReconciliation({ engines: [{ engine: 'one', attended: true }] });
    for (let index = 0; index < 50; index += 1) turnDriftPage(state, page(index * 1_000), 1);
    expect(state.known).toHaveLength(sweepRemembers);
    expect(state.drifted).toHaveLength(sweepNames);
    expect(jsonBytes({ ...state, before: { known: state.known } })).toBeLessThan(256 * 1024);
    expect(jsonBytes(reconcileResult(state, false, 2))).toBeLessThan(256 * 1024);
  });
});
