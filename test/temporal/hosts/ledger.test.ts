import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DirectoryHost } from '../../world/directory-host.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { testSpec } from '../../world/open-test-world.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { hostReserveMb } from '../../../src/domain/thresholds.js';
import { gatewayWorkflowId, ledgerWorkflowId } from '../../../src/wire/ids.js';
import { cordonUpdate, hostsQuery, recountSignal, type HostLine } from '../../../src/wire/ledger.js';
import { continueAsNewSignal, replyUpdate } from '../../../src/wire/messages.js';

const room = 10;
const spec = { ...testSpec, parkMs: 3_600_000 };

/** Three machines, each with an engine that has memory for ten gateways, and a worker on each. */
describe('three engines with room for thirty gateways (K-6)', { timeout: 4 * patienceMs }, () => {
  let server: TestServer;
  let grounds: readonly DirectoryGround[];
  let engines: readonly string[];
  let first: DirectoryGround;
  const stages: DirectoryStage[] = [];

  beforeAll(async () => {
    server = await TestServer.start();
    first = new DirectoryGround(server);
    grounds = [first, new DirectoryGround(server, first.queue), new DirectoryGround(server, first.queue)];
    engines = grounds.map(({ root }) => engineIdAt(root));
    process.env['TEST_ENGINES'] = engines.join(',');
    for (const { world } of grounds)
      new DirectoryHost(world.root).become({ memoryMb: room * spec.memoryMb + hostReserveMb });
    await Promise.all(grounds.map((ground) => ground.startWorker()));
  });

  afterAll(async () => {
    delete process.env['TEST_ENGINES'];
    await Promise.all(stages.map((stage) => stage.close()));
    await Promise.all(grounds.map((ground) => ground.close()));
    await server.stop();
  });

  /** Stages that share one connection. */
  async function stagesOf(count: number): Promise<DirectoryStage[]> {
    const made = Array.from({ length: count }, () => new DirectoryStage(first));
    const [one] = made;
    if (!one) return made;
    const client = await one.client();
    for (const stage of made) stage.use(client);
    stages.push(one);
    return made;
  }

  async function ledger() {
    const [one] = await stagesOf(1);
    if (!one) throw new Error('no stage');
    return (await one.client()).workflow.getHandle(ledgerWorkflowId);
  }

  /** What the ledger says, once that holds. */
  async function untilLedger(holds: (hosts: readonly HostLine[]) => boolean): Promise<readonly HostLine[]> {
    const handle = await ledger();
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const hosts = await handle.query(hostsQuery).catch(() => []);
      if (holds(hosts)) return hosts;
      if (Date.now() > deadline) throw new Error(`the ledger says ${JSON.stringify(hosts)}`);
      await sleep(100);
    }
  }

  /** The gateways on each engine, by what stands there. */
  const standing = () =>
    grounds.map(({ world }) => world.engine.leftovers().filter((each) => each.startsWith('container oc-')).length);

  const promised = (hosts: readonly HostLine[]) => hosts.map(({ gateways }) => gateways);

  it('forty at once, a worker and the server killed meanwhile: thirty are ready, ten are parked, no host is over its promise', async () => {
    const all = await stagesOf(40);
    const held = all.slice(0, 6);
    for (const stage of held)
      for (const ground of grounds) ground.interferences.set('ensureRelease', stage.id, 'hold before');
    await Promise.all(held.map((stage) => stage.provision({ spec })));
    await Promise.all(held.map((stage) => stage.until(({ life }) => life?.place.engine !== undefined)));
    await Promise.all(all.slice(6).map((stage) => stage.provision({ spec })));
    await first.killWorkers();
    await server.kill();
    await server.start();
    await first.startWorker();
    for (const stage of held) for (const ground of grounds) ground.interferences.clear('ensureRelease', stage.id);
    const ends = await Promise.all(all.map((stage) => atItsEnd(stage)));
    const ready = ends.filter(({ phase }) => phase === 'ready');
    const parked = ends.filter(({ phase }) => phase === 'parked');
    expect([ready.length, parked.length]).toEqual([30, 10]);
    for (const { park } of parked)
      expect(park).toMatchObject({
        step: 'find a host',
        answers: ['retry', 'abort'],
        reason: expect.stringMatching(/no host has room for .*(: it lacks memory \(0 GB of 20 GB left\).*){3}/),
      });
    expect(standing()).toEqual([room, room, room]);
    expect(promised(await untilLedger((hosts) => hosts.length === 3))).toEqual([room, room, room]);
    const on = ready.map(({ life }) => life?.place.engine);
    expect(engines.map((engine) => on.filter((each) => each === engine).length)).toEqual([room, room, room]);

    await goesOnWhereRoomCame(
      all,
      ends.map(({ phase }) => phase),
    );
  });

  /** Ready, or parked because every host is full; one that asked while a host had no worker is told to ask again. */
  async function atItsEnd(stage: DirectoryStage) {
    for (let parks = 0; ; parks += 1) {
      const found = await stage.until(
        ({ phase, park }) => phase === 'ready' || (phase === 'parked' && park?.number !== `1.${parks}`),
        3 * patienceMs,
      );
      if (!found.reason.includes('no worker stands beside it')) return found;
      await answer(stage, 'retry');
    }
  }

  /** Two are removed, and two that are parked go on; the rest is undone. */
  async function goesOnWhereRoomCame(all: readonly DirectoryStage[], phases: readonly string[]): Promise<void> {
    const ready = all.filter((_, index) => phases[index] === 'ready');
    const parked = all.filter((_, index) => phases[index] === 'parked');
    await Promise.all(ready.slice(0, 2).map((stage) => stage.remove()));
    await Promise.all(ready.slice(0, 2).map((stage) => stage.settled()));
    await untilLedger((hosts) => promised(hosts).reduce((sum, each) => sum + each, 0) === 28);
    for (const stage of parked.slice(0, 2)) await answer(stage, 'retry');
    for (const stage of parked.slice(0, 2)) await stage.until(({ phase }) => phase === 'ready');
    expect(standing()).toEqual([room, room, room]);
    for (const stage of parked.slice(2, 3)) {
      const before = (await stage.describe()).park?.number;
      await answer(stage, 'retry');
      await stage.until(({ park }) => park !== undefined && park.number !== before);
    }
    for (const stage of parked.slice(2)) await answer(stage, 'abort');
    for (const stage of parked.slice(2)) {
      expect(await stage.settled()).toMatchObject({ phase: 'removed', last: { outcome: 'undone' } });
    }
  }

  async function answer(stage: DirectoryStage, word: 'retry' | 'abort'): Promise<void> {
    const { park } = await stage.describe();
    const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
    await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer: word, origin: 'test' }] });
  }

  it('a ledger that was ended by hand counts everything anew, and one that continues as new forgets nothing', async () => {
    const before = await untilLedger((hosts) => hosts.length === 3);
    await (await ledger()).signal(continueAsNewSignal);
    expect(await untilLedger((hosts) => hosts.length === 3)).toEqual(before);
    await (await ledger()).terminate('by hand');
    const [stage] = await stagesOf(1);
    await stage?.provision({ spec: testSpec });
    expect(await stage?.settled()).toMatchObject({
      phase: 'removed',
      reason: expect.stringContaining('no host has room'),
    });
    const anew = await untilLedger((hosts) => promised(hosts).join() === promised(before).join());
    expect(anew.map(({ promised: each }) => each)).toEqual(before.map(({ promised: each }) => each));
  });

  it('a host that is cordoned gets no new gateway, and gives back what its gateways leave', async () => {
    const [engine = ''] = engines;
    const others = await untilLedger((hosts) => hosts.length === 3);
    expect(await (await ledger()).executeUpdate(cordonUpdate, { args: [{ engine, cordoned: true }] })).toMatchObject({
      engine,
      cordoned: true,
    });
    await (await ledger()).signal(recountSignal);
    const [stage] = await stagesOf(1);
    await stage?.provision({ spec: testSpec, place: { provider: 'local', host: 'local', engine } });
    expect(await stage?.settled()).toMatchObject({
      phase: 'removed',
      reason: expect.stringContaining(`host-${engine}: it is cordoned`),
    });
    expect(promised(await untilLedger((hosts) => hosts.length === 3))).toEqual(promised(others));
  });
});
