import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pollersOf } from '../../../src/client/pollers.js';
import { awaitClaim, demandClaim, type Claim } from '../../../src/worker/engine-claim.js';
import { openLog } from '../../../src/worker/log.js';
import { bootOf, thisMachine } from '../../../src/worker/machine.js';
import { engineQueue, waitsQueue } from '../../../src/wire/ids.js';
import { TestServer } from '../../ground/server.js';

/** A machine of which nothing is known but that it polls for an engine. */
class OtherMachine {
  readonly #client: Client;
  readonly #queue: string;
  readonly identity: string;
  #polls = true;

  constructor(client: Client, engine: string, boot: string) {
    this.#client = client;
    this.#queue = waitsQueue(engineQueue(engine));
    this.identity = `creel 7@clone boot ${boot}`;
  }

  /** Polls as a worker does, again and again, until it dies. */
  async live(): Promise<void> {
    while (this.#polls) await this.pollOnce();
  }

  async pollOnce(): Promise<void> {
    const { namespace, connection } = {
      namespace: this.#client.options.namespace,
      connection: this.#client.connection,
    };
    const asked = { namespace, taskQueue: { name: this.#queue }, identity: this.identity };
    await connection
      .withDeadline(Date.now() + 3_000, () => this.#client.workflowService.pollActivityTaskQueue(asked))
      .catch(() => undefined); // Nothing is to be done: its deadline ends it. A shorter one the server refuses.
  }

  die(): void {
    this.#polls = false;
  }
}

describe('two machines that claim one engine', () => {
  let server: TestServer;
  let client: Client;
  const log = openLog('silent');

  beforeAll(async () => {
    server = await TestServer.start();
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
  });
  afterAll(async () => {
    await client.connection.close();
    await server.stop();
  });

  const claimOf = (engine: string, boot: string): Claim => ({
    client,
    engine,
    machine: { boot, identity: `creel 8@here boot ${boot}` },
    goneAfterMs: 6_000,
    log,
    signal: new AbortController().signal,
  });
  /** Waits until the server lists as many machines as pollers: a queue that it has to load first hears the second poll. */
  const listed = (engine: string, count: number, poll: () => Promise<void> = async () => undefined) =>
    expect
      .poll(async () => poll().then(() => pollersOf(client, waitsQueue(engineQueue(engine)), 'activity')), {
        timeout: 60_000,
      })
      .toHaveLength(count);
  const newEngine = () => `engine-${randomBytes(4).toString('hex')}`;

  it('an engine that nobody serves is had at once, and so is one that this machine serves already', async () => {
    const engine = newEngine();
    await awaitClaim(claimOf(engine, 'aaaa'));
    const sibling = new OtherMachine(client, engine, 'aaaa');
    await listed(engine, 1, () => sibling.pollOnce());
    await awaitClaim(claimOf(engine, 'aaaa'));
    await demandClaim(claimOf(engine, 'aaaa'));
  });

  it('the second one is refused while the first one lives, with both names and the cure', async () => {
    const engine = newEngine();
    const other = new OtherMachine(client, engine, 'bbbb');
    const living = other.live();
    await listed(engine, 1);
    await expect(awaitClaim(claimOf(engine, 'aaaa'))).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(
        new RegExp(`two machines claim engine ${engine}.*creel 8@here.*creel 7@clone.*runbook`),
      ),
    });
    other.die();
    await living;
  });

  it('a machine that is gone is waited for as long as its last poll may be open, and taken over from', async () => {
    const engine = newEngine();
    const other = new OtherMachine(client, engine, 'bbbb');
    await listed(engine, 1, () => other.pollOnce());
    await awaitClaim(claimOf(engine, 'aaaa'));
    expect(await pollersOf(client, waitsQueue(engineQueue(engine)), 'activity', 6_000)).toEqual([]);
  });

  it('of two that began at once exactly one is refused, whoever looks', async () => {
    const engine = newEngine();
    const machines = ['aaaa', 'bbbb'].map((boot) => new OtherMachine(client, engine, boot));
    const living = machines.map((each) => each.live());
    await listed(engine, 2);
    const ends = await Promise.allSettled(['aaaa', 'bbbb'].map((boot) => demandClaim(claimOf(engine, boot))));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    for (const each of machines) each.die();
    await Promise.all(living);
  });

  /** What is done while the clock here is an hour before or behind that of the server. */
  async function withClock(ms: number, run: () => Promise<void>): Promise<void> {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
    try {
      await run();
    } finally {
      vi.useRealTimers();
    }
  }

  it('a clock here that is an hour ahead takes no engine away from a machine that lives', async () => {
    const engine = newEngine();
    const other = new OtherMachine(client, engine, 'bbbb');
    const living = other.live();
    await listed(engine, 1);
    await withClock(3_600_000, () => expect(awaitClaim(claimOf(engine, 'aaaa'))).rejects.toThrow(/two machines claim/));
    other.die();
    await living;
  });

  it('a clock here that is an hour behind takes no machine that is gone for one that lives', async () => {
    const engine = newEngine();
    const other = new OtherMachine(client, engine, 'bbbb');
    await listed(engine, 1, () => other.pollOnce());
    await withClock(-3_600_000, async () => {
      const gone = await awaitClaim(claimOf(engine, 'cccc'));
      expect([...gone.keys()]).toEqual([other.identity]);
      await demandClaim(claimOf(engine, 'cccc'), gone);
    });
  });

  it('a machine is told by its boot, which the name of its worker carries', async () => {
    const { boot, identity } = await thisMachine();
    expect(bootOf(identity)).toBe(boot);
    expect(boot).toMatch(/^\w{8,}$/);
    expect((await thisMachine()).boot).toBe(boot);
    expect(bootOf('creel 12@older')).toBeUndefined();
  });
});
