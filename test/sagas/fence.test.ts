import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import { exceptionFrom, fenceScript } from '../../src/domain/hosts/fence.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { FenceBook } from '../../src/world/fence-book.js';
import { firstStepsFor, stepsFor } from '../../src/workflows/provision/operation.js';
import { registry, stepsOf } from '../../src/workflows/operations.js';
import { Saga, toldOf } from '../../src/workflows/saga/saga.js';
import { openTestWorld, testSpec } from '../world/open-test-world.js';
import { noFault } from './proofs/faults.js';
import { proveSaga } from './proofs/prove-saga.js';
import { VirtualRuntime } from './proofs/virtual-runtime.js';

describe('provision on a host that has to be fenced (row 72)', () => proveSaga(firstStepsFor({})));

/** A gateway that begins on a host whose gateways reach what is named. */
async function begin(spec: Pick<typeof testSpec, 'fence'>, open: string) {
  const world = openTestWorld();
  onTestFinished(world.close);
  if (open !== '') fs.writeFileSync(path.join(world.root, 'open-fence'), open);
  const { fence: _fence, ...others } = testSpec;
  const gateway = { ...world.gateway('g1'), spec: { ...others, ...spec } };
  const told = { layout: 1, kind: 'provision', number: 1, gateway, entered: [] } as const;
  const input = { ...told, steps: stepsOf('provision', [], false, gateway.spec), limits: defaultLimits };
  const runtime = new VirtualRuntime(world.activities, toldOf(input, registry), defaultLimits.actMs - 1, noFault);
  const result = await new Saga(input, runtime).begin();
  return { world, result };
}

describe('a host that is not fenced (row 72)', () => {
  it('takes no new gateway: refused with what is open and the cure, before anything is made', async () => {
    const { world, result } = await begin({}, 'private link-local');
    expect(result).toMatchObject({ outcome: 'undone' });
    expect(JSON.stringify(result)).toMatch(
      /prove fence: host \S+ is not fenced: its gateways reach private networks, link-local addresses\. Put the rules .*creel hosts rules \| sudo sh.*fence = .*off.*host-not-fenced/,
    );
    expect(world.engine.leftovers()).toEqual([]);
  });

  it('takes one whose spec asks for no fence', async () => {
    expect((await begin({ fence: 'off' }, 'private')).result).toMatchObject({ outcome: 'done' });
  });

  it('that is fenced takes one that asks for it', async () => {
    expect((await begin({}, '')).result).toMatchObject({ outcome: 'done' });
  });

  it('is fenced by a worker whose settings say that it puts the rules up, and by no other', async () => {
    const world = openTestWorld();
    onTestFinished(world.close);
    const open = () => fs.readFileSync(path.join(world.root, 'open-fence'), 'utf8');
    fs.writeFileSync(path.join(world.root, 'open-fence'), 'host');
    const gateway = world.gateway('g1');
    await expect(world.activities.probeFence(gateway)).rejects.toThrow('is not fenced');
    expect(open()).toBe('host');
    const allowed = [exceptionFrom('10.20.0.5/32:5432')];
    const root = createActivities({ ...world.deps, fences: new FenceBook(), putsFence: true, allowed });
    await root.probeFence(gateway);
    expect(open()).toBe('');
    const put = fenceScript({ pool: world.deps.pool.cidr, exceptions: allowed });
    expect(fs.readFileSync(path.join(world.root, 'fence-script'), 'utf8')).toBe(put);
  });

  it('is asked of the beginning of a life alone: what lives is repaired, restored and taken up wherever it stands', () => {
    const { fence: _fence, ...spec } = testSpec;
    for (const kind of ['repair', 'restore', 'take-up'] as const)
      expect(stepsOf(kind, [], false, spec)).toEqual(stepsFor(spec));
    expect(stepsOf('provision', [], false, spec)).toEqual(firstStepsFor(spec));
    expect(firstStepsFor(spec)).toContain('prove fence');
    expect(firstStepsFor({ ...spec, fence: 'off' })).not.toContain('prove fence');
    expect(firstStepsFor(spec).indexOf('prove fence')).toBe(firstStepsFor(spec).indexOf('fetch release') + 1);
  });
});
