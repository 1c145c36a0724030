import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostReserveMb } from '../../../src/domain/thresholds.js';
import { gatewayWorkflowId, ledgerWorkflowId } from '../../../src/wire/ids.js';
import { hostsQuery } from '../../../src/wire/ledger.js';
import { replyUpdate } from '../../../src/wire/messages.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { openTestWorld, testSpec, type TestWorld } from '../../world/open-test-world.js';

const room = 10;
const spec = { ...testSpec, parkMs: 3_600_000 };

/** Two machines with a worker and an engine each, and a host with the third engine, which both workers reach. */
describe(
  'forty at once onto three engines with room for thirty, by two workers on two machines (K-6)',
  { timeout: 4 * patienceMs },
  () => {
    let server: TestServer;
    let grounds: readonly [DirectoryGround, DirectoryGround];
    let reached: TestWorld;
    let stages: readonly DirectoryStage[];

    beforeAll(async () => {
      server = await TestServer.start();
      reached = openTestWorld();
      const first = new DirectoryGround(server);
      grounds = [first, new DirectoryGround(server, first.queue)];
      process.env['TEST_REACHED'] = reached.root;
      process.env['TEST_ENGINES'] = roots().map(engineIdAt).join(',');
      for (const root of roots()) new DirectoryHost(root).become({ memoryMb: room * spec.memoryMb + hostReserveMb });
      await Promise.all(grounds.map((ground) => ground.keepWorker()));
      stages = Array.from({ length: 40 }, () => new DirectoryStage(first));
      const client = await stages[0]?.client();
      if (client) for (const stage of stages) stage.use(client);
    });

    afterAll(async () => {
      delete process.env['TEST_REACHED'];
      delete process.env['TEST_ENGINES'];
      await stages[0]?.close();
      await Promise.all(grounds.map((ground) => ground.close()));
      reached.close();
      await server.stop();
    });

    const roots = () => [...grounds.map(({ root }) => root), reached.root];
    const standing = () =>
      [...grounds.map(({ world }) => world), reached].map(
        ({ engine }) => engine.leftovers().filter((each) => each.startsWith('container oc-')).length,
      );

    /** Ready, or parked because every host is full; one that asked while a host had no worker is told to ask again. */
    async function atItsEnd(stage: DirectoryStage) {
      for (let parks = 0; ; parks += 1) {
        const found = await stage.until(
          ({ phase, park }) => phase === 'ready' || (phase === 'parked' && park?.number !== `1.${parks}`),
          3 * patienceMs,
        );
        if (!found.reason.includes('no worker stands beside it')) return found;
        const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
        const args = [{ park: found.park?.number ?? '', answer: 'retry', origin: 'test' }] as const;
        await handle.executeUpdate(replyUpdate, { args: [...args] });
      }
    }

    it('thirty are ready, ten are parked, no host is over its promise; each worker in turn is killed meanwhile', async () => {
      const asked = stages.map((stage) => stage.provision({ spec }));
      await grounds[0].killWorkers();
      await Promise.all(asked);
      await expect.poll(() => standing().some((count) => count > 2), { timeout: patienceMs }).toBe(true);
      await grounds[1].killWorkers();
      const ends = await Promise.all(stages.map((stage) => atItsEnd(stage)));
      const parked = ends.filter(({ phase }) => phase === 'parked');
      expect([ends.filter(({ phase }) => phase === 'ready').length, parked.length]).toEqual([30, 10]);
      for (const { park } of parked)
        expect(park).toMatchObject({
          step: 'find a host',
          reason: expect.stringMatching(/no host has room for .*(: it lacks memory \(0 GB of 20 GB left\).*){3}/),
        });
      expect(standing()).toEqual([room, room, room]);
      const handle = (await stages[0]?.client())?.workflow.getHandle(ledgerWorkflowId);
      expect((await handle?.query(hostsQuery))?.map(({ gateways }) => gateways)).toEqual([room, room, room]);
    });
  },
);
