import { expect, it } from 'vitest';
import { hostReserveMb } from '../../../src/domain/thresholds.js';
import { ledgerWorkflowId } from '../../../src/wire/ids.js';
import { hostsQuery, promiseSignal, recountSignal, type LedgerStart } from '../../../src/wire/ledger.js';
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
