import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { reconfigured, type Reconfiguration } from '../../../src/domain/changes/reconfiguration.js';
import { limitAndChannelSteps, limitSteps, reconfigure } from '../../../src/workflows/reconfigure/operation.js';
import { proveChange } from '../proofs/prove-change.js';
import { testSpec } from '../../world/open-test-world.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { withChangeStage, type ChangeUnderProof } from '../proofs/change-proofs.js';
import type { ChangeStage } from '../proofs/change-stage.js';

const to = (memoryMb: number, cpus: number, channels = false): Reconfiguration => ({
  kind: 'reconfigure',
  to: { ...testSpec, memoryMb, cpus },
  channels,
  limits: true,
});
const bigger = to(4096, 2);

/** When the container was started that the change found, by stage. */
const before = new WeakMap<ChangeStage, string | undefined>();

const proved = (steps: readonly string[], change: Reconfiguration): ChangeUnderProof => ({
  operation: reconfigure,
  steps,
  begin: async (stage) => {
    before.set(stage, (await containerOf(stage)).startedAt);
    return change;
  },
  isDone: (stage) => has(stage, 4096, 2),
  isBack: (stage) => has(stage, testSpec.memoryMb, testSpec.cpus),
});

describe('other limits', () => proveChange(proved(limitSteps, bigger)));

describe('other limits and channels', () => proveChange(proved(limitAndChannelSteps, to(4096, 2, true))));

describe('other limits of a gateway that runs', () => {
  it('are said with what follows at its next start alone', async () => {
    await withChangeStage(proved(limitSteps, bigger), async (stage) => {
      const { proofs } = await stage.run(bigger);
      assert.match(
        JSON.stringify(proofs),
        /4096 MB and 2 cpus in force, without a restart; the size of its heap follows/,
      );
      stage.gateway = reconfigured({ ...stage.gateway, change: bigger });
      assert.doesNotMatch(JSON.stringify((await stage.run(to(4096, 3))).proofs), /heap/);
    });
  });

  it('stay through a repair, which takes the container for no stranger', async () => {
    await withChangeStage(proved(limitSteps, bigger), async (stage) => {
      const { id } = await containerOf(stage);
      assert.equal((await stage.run(bigger)).outcome, 'done');
      stage.gateway = reconfigured({ ...stage.gateway, change: bigger });
      stage.world.engine.crash(stage.names.container);
      await stage.provision();
      assert.deepEqual({ ...(await containerOf(stage)), startedAt: '' }.id, id);
      assert.equal((await containerOf(stage)).memoryMb, 4096);
    });
  });

  it('are refused before anything is touched where it holds more, with the figure', async () => {
    await withChangeStage(proved(limitSteps, bigger), async (stage) => {
      stage.world.engine.hold(stage.names.container, 1_400);
      const result = await stage.run(to(1_536, 1));
      assert.equal(result.outcome, 'undone');
      assert.match(
        result.reason,
        /^check limits: gateway g42 holds 1400 MB now; below 1656 MB .*1536 MB were asked for/,
      );
      before.set(stage, (await containerOf(stage)).startedAt);
      await has(stage, testSpec.memoryMb, testSpec.cpus);
    });
  });

  it('are refused before anything is touched where the host has not so many processors', async () => {
    await withChangeStage(proved(limitSteps, bigger), async (stage) => {
      new DirectoryHost(stage.world.root).become({ cpus: 2 });
      const result = await stage.run(to(2048, 8));
      assert.match(result.reason, /^check limits: .*8/);
      before.set(stage, (await containerOf(stage)).startedAt);
      await has(stage, testSpec.memoryMb, testSpec.cpus);
    });
  });
});

/** It serves with exactly these limits, and never stopped. */
async function has(stage: ChangeStage, memoryMb: number, cpus: number): Promise<void> {
  const container = await containerOf(stage);
  assert.deepEqual([container.memoryMb, container.cpus, container.restartPolicy], [memoryMb, cpus, 'always']);
  assert.equal(container.startedAt, before.get(stage));
  await stage.world.activities.findGateway(stage.gateway);
}

async function containerOf(stage: ChangeStage) {
  const found = await stage.world.engine.findContainer(stage.names.container);
  assert.ok(found);
  return found;
}
