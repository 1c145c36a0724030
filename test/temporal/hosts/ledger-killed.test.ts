import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostReserveMb } from '../../../src/domain/thresholds.js';
import { gatewayWorkflowId, ledgerWorkflowId } from '../../../src/wire/ids.js';
import {
  cordonUpdate,
  hostsQuery,
  hostsUpdate,
  recountSignal,
  type HostLine,
  type LedgerStart,
} from '../../../src/wire/ledger.js';
import { continueAsNewSignal, replyUpdate } from '../../../src/wire/messages.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import type { Interference } from '../../ground/interference.js';
import { patienceMs } from '../../ground/patience.js';
import { shortLimits } from '../../ground/stage.js';
import { TestServer } from '../../ground/server.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { testSpec } from '../../world/open-test-world.js';

const room = 4;

/** Two machines with room for four gateways each. Every test ends with nothing on them, and nothing promised. */
describe('a place that is asked for, with two engines (K-6)', { timeout: 3 * patienceMs }, () => {
  let server: TestServer;
  let grounds: readonly [DirectoryGround, DirectoryGround];
  let engines: readonly [string, string];

  beforeAll(async () => {
    server = await TestServer.start();
    const first = new DirectoryGround(server);
    grounds = [first, new DirectoryGround(server, first.queue)];
    engines = [engineIdAt(grounds[0].root), engineIdAt(grounds[1].root)];
    process.env['TEST_ENGINES'] = engines.join(',');
    for (const { root } of grounds)
      new DirectoryHost(root).become({ memoryMb: room * testSpec.memoryMb + hostReserveMb });
    await Promise.all(grounds.map((ground) => ground.keepWorker()));
  });

  afterAll(async () => {
    delete process.env['TEST_ENGINES'];
    await Promise.all(grounds.map((ground) => ground.close()));
    await server.stop();
  });

  /** A gateway to be, and what is made to happen to an activity of it on either machine. */
  class Asked extends DirectoryStage {
    everywhere(activity: string, interference: Interference): void {
      for (const ground of grounds) ground.interferences.set(activity, this.id, interference);
    }

    goOn(activity: string): void {
      for (const ground of grounds) ground.interferences.clear(activity, this.id);
    }

    /** Waits until an activity is held, and ends the worker that holds it. */
    async killHolder(activity: string): Promise<void> {
      process.kill(await this.heldBy(activity), 'SIGKILL');
    }

    heldBy(activity: string): Promise<number> {
      return Promise.any(grounds.map(({ interferences }) => interferences.held(activity, this.id)));
    }

    async ledger() {
      return (await this.client()).workflow.getHandle(ledgerWorkflowId);
    }

    /** Where none is open. */
    async beginLedger(): Promise<void> {
      const { workflow } = await this.client();
      await workflow.start('ledger', {
        workflowId: ledgerWorkflowId,
        workflowIdConflictPolicy: 'USE_EXISTING',
        taskQueue: this.ground.queue,
        args: [{ layout: 1, limits: shortLimits } satisfies LedgerStart],
      });
    }

    async lines(): Promise<readonly HostLine[]> {
      return (await this.ledger()).query(hostsQuery);
    }

    /** How much is promised in all, once it is that much. */
    async promises(memoryMb: number): Promise<void> {
      const sum = async () =>
        (await this.lines().catch(() => [])).reduce((all, { promised }) => all + promised.memoryMb, 0);
      await expect.poll(sum, { timeout: patienceMs }).toBe(memoryMb);
    }

    async answer(word: 'retry' | 'abort'): Promise<void> {
      const { park } = await this.describe();
      const handle = (await this.client()).workflow.getHandle(gatewayWorkflowId(this.id));
      await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer: word, origin: 'test' }] });
    }

    /** The engines on which something of it stands. */
    standsOn(): string[] {
      return engines.filter((_, index) =>
        grounds[index]?.world.engine.leftovers().some((each) => each.includes(` oc-${this.id}-`)),
      );
    }
  }

  function on(title: string, run: (asked: Asked) => Promise<void>): void {
    it(title, async () => {
      const asked = new Asked(grounds[0]);
      try {
        await run(asked);
        for (const { interferences } of grounds)
          for (const activity of ['findRoom', 'ensureState']) interferences.clear(activity, asked.id);
        const { phase } = await asked.settled();
        if (phase !== 'removed') await asked.remove({ purge: true });
        expect(
          await asked.until(
            ({ left, queue, running, phase: now }) =>
              now === 'removed' && left.length === 0 && queue.length === 0 && running === undefined,
          ),
        ).toBeDefined();
        await asked.promises(0);
        expect(asked.standsOn()).toEqual([]);
      } finally {
        await asked.close();
      }
    });
  }

  /** Ready on one engine, which is the one on record, and promised to it once. */
  async function standsOnce(asked: Asked): Promise<string> {
    const { phase, life, reason } = await asked.settled();
    expect(phase, reason).toBe('ready');
    expect(life?.place.promised).toBe(true);
    expect(asked.standsOn()).toEqual([life?.place.engine]);
    await asked.promises(testSpec.memoryMb);
    return life?.place.engine ?? '';
  }

  on('the worker killed before the ledger is asked: one place', async (asked) => {
    asked.everywhere('findRoom', 'hold before');
    await asked.provision();
    await asked.killHolder('findRoom');
    asked.goOn('findRoom');
    await standsOnce(asked);
  });

  on('the worker killed when the ledger has promised and nobody has heard: one place', async (asked) => {
    asked.everywhere('findRoom', 'hold after');
    await asked.provision();
    await asked.heldBy('findRoom');
    await asked.promises(testSpec.memoryMb);
    await asked.killHolder('findRoom');
    asked.goOn('findRoom');
    await standsOnce(asked);
  });

  on('the server restarted when the ledger has promised and nobody has heard: one place', async (asked) => {
    asked.everywhere('findRoom', 'hold after');
    await asked.provision();
    await asked.heldBy('findRoom');
    await server.kill();
    await server.start();
    asked.goOn('findRoom');
    await standsOnce(asked);
  });

  on('the ledger continued as new in between, and the worker killed: the same place', async (asked) => {
    asked.everywhere('findRoom', 'hold after');
    await asked.provision();
    await asked.heldBy('findRoom');
    await asked.promises(testSpec.memoryMb);
    const promisedBy = (lines: readonly HostLine[]) => lines.find(({ gateways }) => gateways > 0)?.engine;
    const before = promisedBy(await asked.lines());
    const ledger = await asked.ledger();
    const { runId } = await ledger.describe();
    await ledger.signal(continueAsNewSignal);
    await expect.poll(async () => (await ledger.describe()).runId, { timeout: patienceMs }).not.toBe(runId);
    await asked.killHolder('findRoom');
    asked.goOn('findRoom');
    expect(await standsOnce(asked)).toBe(before);
  });

  on('the ledger ended by hand in between: counted anew, one place', async (asked) => {
    asked.everywhere('findRoom', 'hold after');
    await asked.provision();
    await asked.heldBy('findRoom');
    await (await asked.ledger()).terminate('by hand');
    await asked.killHolder('findRoom');
    asked.goOn('findRoom');
    expect(await asked.settled()).toMatchObject({ phase: 'ready' });
    await asked.beginLedger();
    await standsOnce(asked);
  });

  on('a host cordoned while the place is asked for: the other one', async (asked) => {
    const [engine, other] = engines;
    const ledger = await asked.ledger();
    asked.everywhere('findRoom', 'hold before');
    await asked.provision();
    await asked.heldBy('findRoom');
    await ledger.executeUpdate(cordonUpdate, { args: [{ engine, cordoned: true }] });
    asked.goOn('findRoom');
    expect(await standsOnce(asked)).toBe(other);
    await ledger.executeUpdate(cordonUpdate, { args: [{ engine, cordoned: false }] });
  });

  on('a host cordoned when it was promised: the place stays, and a count changes nothing of that', async (asked) => {
    const ledger = await asked.ledger();
    asked.everywhere('findRoom', 'hold after');
    await asked.provision();
    await asked.heldBy('findRoom');
    await asked.promises(testSpec.memoryMb);
    const engine = (await asked.lines()).find(({ gateways }) => gateways > 0)?.engine ?? '';
    await ledger.executeUpdate(cordonUpdate, { args: [{ engine, cordoned: true }] });
    await ledger.signal(recountSignal);
    await asked.killHolder('findRoom');
    asked.goOn('findRoom');
    expect(await standsOnce(asked)).toBe(engine);
    await ledger.executeUpdate(cordonUpdate, { args: [{ engine, cordoned: false }] });
  });

  for (const held of ['hold before', 'hold after'] as const) {
    const when = held === 'hold before' ? 'while' : 'when the ledger has promised';
    on(`removed ${when} its place is asked for: nothing is left, and nothing promised`, async (asked) => {
      asked.everywhere('findRoom', held);
      await asked.provision();
      await asked.heldBy('findRoom');
      await asked.remove();
      await asked.until(({ queue, running }) => running?.kind === 'remove' || queue.length > 0);
      asked.goOn('findRoom');
      expect(await asked.settled()).toMatchObject({ phase: 'removed', left: [] });
      await asked.promises(0);
    });
  }

  on(
    'removed when the ledger has promised, the worker killed: nothing is left, and nothing promised',
    async (asked) => {
      asked.everywhere('findRoom', 'hold after');
      await asked.provision();
      const holder = await asked.heldBy('findRoom');
      await asked.remove();
      process.kill(holder, 'SIGKILL');
      asked.goOn('findRoom');
      expect(await asked.settled()).toMatchObject({ phase: 'removed', left: [] });
      await asked.promises(0);
    },
  );

  on('an undo lets the room go, the worker killed in it and the server restarted', async (asked) => {
    asked.everywhere('ensureState', 'fail');
    asked.everywhere('removeState', 'hold after');
    await asked.provision();
    const holder = await asked.heldBy('removeState');
    process.kill(holder, 'SIGKILL');
    await server.kill();
    await server.start();
    asked.goOn('removeState');
    expect(await asked.settled()).toMatchObject({ phase: 'removed', last: { outcome: 'undone' } });
    await asked.promises(0);
  });

  on('two provisions of one id, one life after the other: only the second one has room', async (asked) => {
    asked.everywhere('ensureState', 'fail');
    const first = await asked.provision();
    await asked.settled();
    asked.goOn('ensureState');
    asked.everywhere('findRoom', 'hold after');
    const second = await asked.provision();
    expect(second.birth).not.toBe(first.birth);
    await asked.heldBy('findRoom');
    await asked.promises(testSpec.memoryMb);
    asked.goOn('findRoom');
    await standsOnce(asked);
  });

  on('two provisions of one id at once are one life with one place', async (asked) => {
    asked.everywhere('findRoom', 'hold before');
    const [one, other] = await Promise.all([asked.provision(), asked.provision()]);
    expect(other.birth).toBe(one.birth);
    await asked.heldBy('findRoom');
    asked.goOn('findRoom');
    await standsOnce(asked);
  });

  on('without room, and nobody answers until its limit: undone, and nothing promised', async (asked) => {
    const spec = { ...testSpec, memoryMb: (room + 1) * testSpec.memoryMb, parkMs: 1_000 };
    await asked.provision({ spec });
    await asked.until(({ phase }) => phase === 'parked');
    expect(await asked.settled()).toMatchObject({
      phase: 'removed',
      last: { outcome: 'undone', reason: expect.stringContaining('no host has room') },
    });
    await asked.promises(0);
  });

  on(
    'a gateway that is to have more than its host has left is refused, and is as before; less room is given back',
    async (asked) => {
      await asked.provision();
      const engine = await standsOnce(asked);
      const change = (memoryMb: number) =>
        asked.request({ kind: 'change', requestId: `to-${memoryMb}`, origin: 'test', memoryMb });
      await change((room + 1) * testSpec.memoryMb);
      expect(await asked.settled()).toMatchObject({
        phase: 'ready',
        life: { spec: { memoryMb: testSpec.memoryMb } },
        last: {
          kind: 'change',
          outcome: 'undone',
          reason: expect.stringMatching(
            `^find room: host host-${engine}, where ${asked.id} stands, has no room for it with`,
          ),
        },
      });
      await asked.promises(testSpec.memoryMb);
      asked.everywhere('findRoom', 'hold after');
      await change(room * testSpec.memoryMb);
      await asked.killHolder('findRoom');
      asked.goOn('findRoom');
      expect(await asked.settled()).toMatchObject({ phase: 'ready', last: { kind: 'change', outcome: 'done' } });
      await asked.promises(room * testSpec.memoryMb);
      await change(testSpec.memoryMb);
      expect(await asked.settled()).toMatchObject({ phase: 'ready', last: { kind: 'change', outcome: 'done' } });
      await asked.promises(testSpec.memoryMb);
    },
  );

  on('a kept state comes back only where its host has room; without, it is kept as before', async (asked) => {
    const spec = { ...testSpec, keepStateMs: 3_600_000 };
    await asked.provision({ spec });
    const engine = await standsOnce(asked);
    await asked.remove();
    const kept = await asked.settled();
    expect(kept).toMatchObject({ phase: 'removed', reason: expect.stringMatching(/^state kept until/) });
    await asked.promises(0);
    const ledger = await asked.ledger();
    const other = new Asked(grounds[0]);
    try {
      await other.provision({
        spec: { ...testSpec, memoryMb: room * testSpec.memoryMb },
        place: { provider: 'local', host: 'local', engine },
      });
      expect(await other.settled()).toMatchObject({ phase: 'ready' });
      await asked.provision({ spec, how: 'restore' });
      expect(await asked.settled()).toMatchObject({
        phase: 'removed',
        reason: expect.stringMatching(/^find room: host .* has no room for it .*; state kept until/),
      });
      expect(asked.standsOn()).toEqual([engine]);
      await asked.provision({ spec: { ...spec, parkMs: 3_600_000 }, how: 'restore' });
      await asked.until(({ park }) => park?.step === 'find room');
      await other.remove();
      await other.settled();
    } finally {
      await other.close();
    }
    await ledger.executeUpdate(cordonUpdate, { args: [{ engine, cordoned: true }] });
    await asked.answer('retry');
    expect(await standsOnce(asked)).toBe(engine);
    await ledger.executeUpdate(cordonUpdate, { args: [{ engine, cordoned: false }] });
  });

  it('what is promised is what stands, when it is counted in the end', async () => {
    const asked = new Asked(grounds[0]);
    try {
      const ledger = await asked.ledger();
      await ledger.signal(recountSignal);
      const lines = await ledger.executeUpdate(hostsUpdate);
      expect(lines.map(({ promised }) => promised)).toEqual(lines.map(() => ({ memoryMb: 0, cpus: 0, diskMb: 0 })));
    } finally {
      await asked.close();
    }
  });
});
