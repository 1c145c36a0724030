import { afterEach, describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { layout, markLabels, names } from '../../../src/domain/gateway/gateway.js';
import type { Owner } from '../../../src/domain/sweep/owner.js';
import { imageGraceMs } from '../../../src/domain/thresholds.js';
import { decideSweep, newSweep, turnSweepPage } from '../../../src/workflows/hosts/sweep-state.js';
import { noRecords } from '../../../src/releases/no-records.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { openTestWorld, testDeployment, type TestWorld } from '../../world/open-test-world.js';
import { dice } from './dice.js';

const worlds: TestWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

const releases = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0', '1.5.0'];
const old = Date.now() - imageGraceMs - 60_000;
const idle = { birth: 'aaaaaa', busy: false } as const;
const lives = { is: 'living', ...idle, settled: true, replacement: 0 } as const;
const removed = { is: 'removed', ...idle, left: false, stateGoes: false } as const;

/** What may be on record of a gateway, of which releases, and whether it says which it needs. */
const fates: readonly ((some: readonly string[]) => { owner: Owner; needs: readonly string[] | 'unsaid' })[] = [
  ([now = '', former = '']) => ({ owner: { ...lives, releases: [now, former] }, needs: [now, former] }),
  ([now = '']) => ({ owner: { ...lives, settled: false, releases: [now] }, needs: [now] }),
  ([now = '']) => ({ owner: { ...removed, keptUntil: 'then', releases: [now] }, needs: [now] }),
  ([now = '']) => ({ owner: { ...removed, left: true, stateGoes: true, releases: [now] }, needs: [now] }),
  ([now = '']) => ({ owner: { ...removed, stateGoes: true, releases: [now] }, needs: [] }),
  ([now = '']) => ({ owner: { ...lives, busy: true, releases: [now] }, needs: 'unsaid' }),
  () => ({ owner: lives, needs: 'unsaid' }),
  () => ({ owner: { is: 'unknown' }, needs: 'unsaid' }),
  () => ({ owner: { is: 'ended', how: 'terminated' }, needs: 'unsaid' }),
];

type Pulled = 'long ago' | 'just now' | 'for another deployment' | 'never';
type There = { release: string; id: string; pulled: Pulled; isUsed: boolean };

/** An engine with images and gateways as a seed has it, and the activities of a worker over it. */
async function world(seed: number) {
  const roll = dice(seed);
  const pick = <T>(some: readonly T[]): T => some[Math.floor(roll() * some.length)] as T;
  const made = openTestWorld();
  worlds.push(made);
  const owners = new Map<string, Owner>();
  const needed: (readonly string[] | 'unsaid')[] = [];
  const onRecord: string[] = [];
  const gateways = Math.floor(roll() * 4);
  for (let count = 0; count < gateways; count += 1) {
    // Most records say what they need: a world in which one does not is a world in which nothing goes.
    const fate = roll() < 0.9 ? pick(fates.slice(0, 5)) : pick(fates);
    const { owner, needs } = fate([pick(releases), pick(releases)]);
    const id = `g${count}`;
    owners.set(id, owner);
    needed.push(needs);
    const mark = { deployment: testDeployment, gateway: id, birth: 'aaaaaa', layout };
    if (roll() < 0.5) onRecord.push(id);
    else await made.engine.createVolume({ name: names(mark).volume, labels: markLabels(mark) });
  }
  const images: There[] = releases.map((release, index) => ({
    release,
    id: `sha256:${'abcdef'.charAt(index).repeat(64)}`,
    pulled: pick(['long ago', 'long ago', 'long ago', 'just now', 'for another deployment', 'never'] as const),
    isUsed: roll() < 0.2,
  }));
  for (const { release, id, pulled, isUsed } of images) {
    const reference = `registry.example/openclaw@sha256:${release}`;
    made.engine.addImage(reference, { id, labels: { 'creel.release': release } });
    if (pulled !== 'never')
      made.engine.notePulled(
        id,
        pulled === 'for another deployment' ? 'otherdeploy' : testDeployment,
        pulled === 'just now' ? Date.now() : old,
      );
    if (isUsed) await useImage(made, id);
  }
  const deps = {
    ...made.deps,
    records: { ...noRecords, owner: async (id: string): Promise<Owner> => owners.get(id) ?? { is: 'unknown' } },
    gatewaysOn: async () => onRecord,
  };
  const engine = engineIdAt(made.root);
  return { ...made, activities: createActivities(deps), owners, needed, images, engineId: engine };
}

/** A container of this image that was never started. */
async function useImage({ engine }: TestWorld, imageId: string): Promise<void> {
  const name = `user-${imageId.slice(7, 12)}`;
  await engine.createVolume({ name, labels: {} });
  await engine.createWriter({ name, labels: {}, imageId, volume: name, target: '/data' });
}

function goes({ images, needed }: { images: readonly There[]; needed: readonly (readonly string[] | 'unsaid')[] }) {
  if (needed.includes('unsaid')) return [];
  const wanted = needed.flat();
  return images
    .filter(({ pulled, isUsed, release }) => pulled === 'long ago' && !isUsed && !wanted.includes(release))
    .map(({ id }) => id);
}

async function look({ activities, engineId }: Awaited<ReturnType<typeof world>>) {
  const page = await activities.findUnowned({ engine: engineId, after: '', limit: 100 });
  return { page, images: page.remove.filter(({ kind }) => kind === 'image') };
}

describe('a sweep over the images of an engine (S4-5)', () => {
  it('of 200 random worlds removes every image that creel pulled and no gateway needs, and no other; twice is once', async () => {
    let removedInAll = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const there = await world(seed);
      const expected = goes(there);
      const { images } = await look(there);
      expect(images.map(({ name }) => name).toSorted(), `world ${seed}`).toEqual(expected.toSorted());
      for (const image of images) expect(await there.activities.ensureSwept(image), `world ${seed}`).toBeUndefined();
      for (const image of images) expect(await there.activities.ensureSwept(image), `world ${seed}`).toBeUndefined();
      for (const { id } of there.images)
        expect((await there.engine.findImage(id)) === undefined, `world ${seed}, ${id}`).toBe(expected.includes(id));
      expect((await look(there)).images).toEqual([]);
      removedInAll += expected.length;
      there.close();
    }
    expect(removedInAll).toBeGreaterThan(100);
  }, 120_000);

  it('leaves one that a gateway needs by the time it is to go, and one that a container is of by then', async () => {
    const there = await world(1);
    const unneeded: Owner = { ...lives, releases: [] };
    for (const id of there.owners.keys()) there.owners.set(id, unneeded);
    const { images } = await look(there);
    const [one, two] = images;
    if (!one || !two) throw new Error('another seed');
    const release = there.images.find(({ id }) => id === one.name)?.release ?? '';
    there.owners.set('g0', { ...lives, releases: [release] });
    await there.engine.createVolume({
      name: 'oc-g0-aaaaaa-state',
      labels: markLabels({ deployment: testDeployment, gateway: 'g0', birth: 'aaaaaa', layout }),
    });
    expect(await there.activities.ensureSwept(one)).toContain('a gateway there may need it');
    await useImage(there, two.name);
    expect(await there.activities.ensureSwept(two)).toContain('need it now');
    for (const { name } of [one, two]) expect(await there.engine.findImage(name)).toBeDefined();
  });

  it('halts for no number of images: they can be pulled again', () => {
    const state = newSweep([{ engine: 'E:1', attended: true }], undefined);
    const image = (name: string) => ({
      engine: 'E:1',
      kind: 'image' as const,
      name,
      gateway: '',
      birth: '',
      state: false,
      proof: 'p',
    });
    const many = Array.from({ length: 50 }, (_, index) => image(`sha256:${index}`));
    turnSweepPage(state, { things: 3, lives: 1, remove: many, report: [], foreign: {} }, Date.now(), 0);
    decideSweep(state, undefined);
    expect(state).toMatchObject({ reason: '', phase: 'acting' });
    expect(state.remove).toHaveLength(50);
  });
});

it('what is pulled is noted as pulled by creel, and a dev image is not (S4-5)', async () => {
  const made = openTestWorld();
  worlds.push(made);
  const reference = `registry.example/openclaw@sha256:${'a'.repeat(64)}`;
  made.engine.offerImage(reference, { id: `sha256:${'b'.repeat(64)}`, labels: { 'creel.release': '3.0.0' } });
  const catalogue = [...made.deps.catalogue, { version: '3.0.0', image: reference, dev: false }];
  const { ensureRelease } = createActivities({ ...made.deps, catalogue });
  const gateway = made.gateway('g1');
  await ensureRelease(gateway);
  expect(await made.engine.listPulled(testDeployment)).toEqual([]);
  await ensureRelease({ ...gateway, spec: { ...gateway.spec, release: '3.0.0', dev: false } });
  expect(await made.engine.listPulled(testDeployment)).toMatchObject([{ labels: { 'creel.release': '3.0.0' } }]);
});
