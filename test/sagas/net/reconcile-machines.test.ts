import { describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { gatewayContainer } from '../../../src/domain/gateway/container.js';
import { markLabels, names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { machineIn } from '../../../src/domain/hosts/region.js';
import type { Description } from '../../../src/wire/description.js';
import type { DriftPage } from '../../../src/wire/reconcile.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { accountOf, rootOf } from '../../world/machine-world.js';
import { imageOf, openTestWorld, testRelease, type TestWorld } from '../../world/open-test-world.js';
import { onMachine, testMachine } from '../proofs/machine-ground.js';

const { region } = testMachine;
const imageId = `sha256:${'1'.repeat(64)}`;

/** A ready gateway on a machine of its own, and its record. */
class Standing {
  readonly world: TestWorld = openTestWorld();
  gateway: Gateway = onMachine(this.world, 'g42', { ...testMachine, size: 'small' });
  /** Called before the record is read, with how often it was. */
  onRead: (time: number) => Partial<Description> = () => ({});
  #reads = 0;

  get account() {
    return accountOf(this.world.root);
  }

  get engine(): DirectoryEngine {
    return new DirectoryEngine(rootOf(this.world.root, this.gateway.place));
  }

  get at() {
    return { mark: this.gateway.mark, region };
  }

  async make(): Promise<void> {
    const { account, at, world } = this;
    const [fleetKey] = world.deps.machines?.fleetKeys() ?? [];
    if (!fleetKey) throw new Error('the world buys no machines');
    const key = await account.ensureFleetKey(region, at.mark.deployment, fleetKey);
    const order = { zones: [`${region}a`], size: 'small', system: 'debian_12', key, launchScript: '' };
    await account.ensureMachine(at, order);
    account.settle(at);
    const engine = await new DirectoryHost(rootOf(world.root, this.gateway.place)).findNearest();
    this.gateway = { ...this.gateway, place: { ...this.gateway.place, engine } };
    const own = names(at.mark);
    const labels = markLabels(at.mark);
    this.engine.addImage(imageOf(testRelease), { id: imageId, labels: {} });
    await this.engine.createVolume({ name: own.volume, labels });
    await this.engine.createNetwork({ name: own.network, labels, subnet: '10.9.1.0/24' });
    await this.engine.createContainer(gatewayContainer(this.gateway, imageId, 19_000));
    await this.engine.startContainer(await this.id());
  }

  async id(): Promise<string> {
    return (await this.engine.findContainer(names(this.at.mark).container))?.id ?? '';
  }

  async look(): Promise<DriftPage> {
    const { mark, place } = this.gateway;
    const at = machineIn(place);
    if (!at) throw new Error('it stands on no machine');
    const told = { phase: 'ready', life: this.gateway, record: { imageId }, queue: [], last: { operation: 1 } };
    const records = {
      ...this.world.deps.records,
      onMachines: async function* () {
        yield { gateway: mark.gateway, birth: mark.birth, phase: 'ready', at, engine: place.engine };
      },
      describe: async () => {
        this.#reads += 1;
        return { ...told, ...this.onRead(this.#reads) } as unknown as Description;
      },
    };
    const activities = createActivities({ ...this.world.deps, records });
    const [, on] = (await activities.findReconciled()).engines;
    expect(on).toEqual({ engine: `lightsail ${region}`, at: { provider: 'lightsail', region }, attended: true });
    return activities.findUnlikeRecordIn({ at: { provider: 'lightsail', region }, after: '', limit: 9 });
  }
}

async function standing(run: (standing: Standing) => Promise<void>): Promise<void> {
  const each = new Standing();
  try {
    await each.make();
    await run(each);
  } finally {
    each.world.close();
  }
}

const hurts: readonly (readonly [string, (standing: Standing) => unknown, RegExp])[] = [
  ['whose machine is gone', ({ account, at }) => account.forget(region, nameAt(at)), /machine .* is gone from eu-cent/],
  ['whose machine was stopped', ({ account, at }) => account.stopByHand(at), /does not run \(stopped\), and costs/],
  ['whose machine is another size', ({ account, at }) => account.resize(at, 'medium'), /is of size medium, and small/],
  [
    'whose machine lost its mark',
    ({ account, at }) => account.remark(region, nameAt(at), undefined),
    /not the one on rec/,
  ],
  [
    'whose engine has another id',
    (each) => (each.gateway = { ...each.gateway, place: { ...each.gateway.place, engine: 'ANOTHER' } }),
    /is not the one on record: .*stands on engine ANOTHER/,
  ],
  [
    'whose container was stopped',
    async (each) => each.engine.stopContainer(await each.id(), 1),
    /does not run \(exited\)/,
  ],
  ['whose volume is gone', (each) => each.engine.forget('volume', names(each.at.mark).volume), /volume .* is missing/],
];

function nameAt({ mark }: Standing['at']): string {
  return names(mark).container;
}

describe('a reconciliation of gateways on machines of their own', () => {
  it('has nothing to say of one that is as recorded', () =>
    standing(async (each) => {
      expect(await each.look()).toEqual({ ready: 1, drifted: [], unasked: [] });
    }));

  it.each(hurts)('names one %s (K-1)', (_what, hurt, expected) =>
    standing(async (each) => {
      await hurt(each);
      const { drifted, unasked } = await each.look();
      expect(drifted.map(({ gateway, drifts }) => `${gateway}: ${drifts.join('; ')}`)).toEqual([
        expect.stringMatching(expected),
      ]);
      expect(unasked).toEqual([]);
    }),
  );

  it('says nothing of one that is being worked on by then, and says which machine did not answer', () =>
    standing(async (each) => {
      each.account.stopByHand(each.at);
      each.onRead = (time) => (time > 2 ? { queue: [{ operation: 2, kind: 'repair' }] } : {});
      expect((await each.look()).drifted).toEqual([]);
      each.onRead = () => ({});
      const order = { zones: [`${region}a`], size: 'small', system: 'debian_12', key: '', launchScript: '' };
      await each.account.ensureMachine(each.at, order);
      const booting = await each.look();
      expect(booting.drifted).toEqual([]);
      expect(booting.unasked).toEqual([
        { engine: `of machine ${nameAt(each.at)}`, reason: expect.stringContaining('pending') },
      ]);
    }));
});
