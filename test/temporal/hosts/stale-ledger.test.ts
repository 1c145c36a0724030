import { WorkflowUpdateStage } from '@temporalio/client';
import { expect, it } from 'vitest';
import { hostReserveMb } from '../../../src/domain/thresholds.js';
import { ledgerWorkflowId } from '../../../src/wire/ids.js';
import {
  hostsQuery,
  placeUpdate,
  promiseSignal,
  recountSignal,
  type LedgerStart,
  type Placed,
} from '../../../src/wire/ledger.js';
import { continueAsNewSignal } from '../../../src/wire/messages.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { patienceMs } from '../../ground/patience.js';
import { shortLimits } from '../../ground/stage.js';
import { TestServer } from '../../ground/server.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { testSpec } from '../../world/open-test-world.js';

it('what the ledger only believes refuses nobody: it counts anew first', { timeout: 2 * patienceMs }, async () => {
  process.env['TEST_CEILING'] = '9';
  const server = await TestServer.start();
  const ground = new DirectoryGround(server);
  const stage = new DirectoryStage(ground);
  try {
    const engine = engineIdAt(ground.root);
    new DirectoryHost(ground.root).become({ memoryMb: testSpec.memoryMb + hostReserveMb });
    await ground.startWorker();
    const start: LedgerStart = { layout: 1, limits: shortLimits, staleMs: 0 };
    const ledger = await (
      await stage.client()
    ).workflow.start('ledger', {
      workflowId: ledgerWorkflowId,
      taskQueue: ground.queue,
      args: [start],
    });
    const lines = () => ledger.query(hostsQuery);
    await expect.poll(lines, { timeout: patienceMs }).toMatchObject([{ engine, gateways: 0 }]);
    const need = { memoryMb: testSpec.memoryMb, cpus: 1, diskMb: 0 };
    await ledger.signal(promiseSignal, { gateway: 'ghost', birth: '7k3fq2', engine, need });
    expect(await lines()).toMatchObject([{ gateways: 1 }]);
    await ledger.signal(recountSignal);
    await stage.provision();
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { place: { engine } } });
    expect(await lines()).toMatchObject([{ gateways: 1, promised: { memoryMb: testSpec.memoryMb } }]);
  } finally {
    delete process.env['TEST_CEILING'];
    await stage.close();
    await ground.close();
    await server.stop();
  }
});

it(
  'who is to be counted for while the ledger is about to continue as new is counted for, and it goes on (K-6)',
  { timeout: 3 * patienceMs },
  async () => {
    const server = await TestServer.start();
    const ground = new DirectoryGround(server);
    const stage = new DirectoryStage(ground);
    try {
      const engine = engineIdAt(ground.root);
      await ground.startWorker();
      const { workflow } = await stage.client();
      const start: LedgerStart = { layout: 1, limits: shortLimits, staleMs: 0 };
      const ledger = await workflow.start('ledger', {
        workflowId: ledgerWorkflowId,
        taskQueue: ground.queue,
        args: [start],
      });
      await expect.poll(() => ledger.query(hostsQuery), { timeout: patienceMs }).toMatchObject([{ engine }]);
      const { runId } = await ledger.describe();
      const need = { memoryMb: 1e9, cpus: 1, diskMb: 0 };
      const asked = { gateway: 'slow', birth: '7k3fq2', need, engines: ['engine-that-is-met'], silent: [] };
      const met = await ledger.startUpdate<Placed, [typeof asked]>(placeUpdate.name, {
        args: [asked],
        waitForStage: WorkflowUpdateStage.ACCEPTED,
      });
      await ledger.signal(continueAsNewSignal);
      await ledger.signal(recountSignal);
      const answer = async () => (await ledger.describe()).runId;
      await expect.poll(answer, { timeout: patienceMs }).not.toBe(runId);
      expect(await met.result()).toEqual({ refused: expect.stringContaining('what it has could not be read') });
    } finally {
      await stage.close();
      await ground.close();
      await server.stop();
    }
  },
);

it(
  'an engine whose worker went away holds up nobody who fits elsewhere (K-6)',
  { timeout: 2 * patienceMs },
  async () => {
    const server = await TestServer.start();
    const ground = new DirectoryGround(server);
    const stage = new DirectoryStage(ground);
    try {
      const engine = engineIdAt(ground.root);
      await ground.startWorker();
      const { workflow } = await stage.client();
      const start: LedgerStart = { layout: 1, limits: shortLimits };
      const ledger = await workflow.start('ledger', {
        workflowId: ledgerWorkflowId,
        taskQueue: ground.queue,
        args: [start],
      });
      const need = { memoryMb: testSpec.memoryMb, cpus: 1, diskMb: 0 };
      const asked = { gateway: 'fits', birth: '7k3fq2', need, engines: ['engine-that-went-away', engine], silent: [] };
      const placed = ledger.executeUpdate<Placed, [typeof asked]>(placeUpdate.name, { args: [asked] });
      await expect.poll(async () => placed, { timeout: patienceMs }).toEqual({ engine });
    } finally {
      await stage.close();
      await ground.close();
      await server.stop();
    }
  },
);
