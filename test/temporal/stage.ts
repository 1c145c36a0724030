import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { birthFrom } from '../../src/domain/gateway.js';
import { gatewayWorkflowId } from '../../src/workflows/ids.js';
import { defaultLimits, type Limits } from '../../src/workflows/limits.js';
import { describeQuery, requestUpdate, type Accepted, type Description, type GatewayStart, type ProvisionRequest, type RemoveRequest, type Request } from '../../src/workflows/requests.js';
import { openTestWorld, testDeployment, testSpec, type TestWorld } from '../world/open-test-world.js';
import { Interferences } from './interference.js';
import type { TestServer } from './server.js';

/** Limits short enough for a test that waits for each of them. */
export const shortLimits: Limits = {
  ...defaultLimits,
  actMs: 3_000,
  waitMs: 6_000,
  fetchMs: 6_000,
  undoMs: 5_000,
  retryMs: 50,
  retryMaxMs: 200,
  heartbeatMs: 700,
  slowHeartbeatMs: 1_000,
  settleMs: 300,
};

/** One gateway id on a directory world of its own, with workers of its own that can be killed. */
export class Stage {
  readonly id: string;
  readonly world: TestWorld;
  readonly limits: Limits;
  readonly interferences: Interferences;
  readonly #server: TestServer;
  readonly #queue = `test-${randomBytes(4).toString('hex')}`;
  readonly #workers = new Set<ChildProcess>();
  #client: Client | undefined;
  #closing = false;

  constructor(server: TestServer, limits: Partial<Limits> = {}) {
    this.#server = server;
    this.limits = { ...shortLimits, ...limits };
    this.world = openTestWorld();
    this.interferences = new Interferences(this.world.root);
    this.id = `g${randomBytes(4).toString('hex')}`;
  }

  /** Starts a worker and waits until it polls. */
  async startWorker(): Promise<ChildProcess> {
    const main = path.resolve('dist/test/temporal/worker-main.js');
    const cache = process.env['TEST_WORKFLOW_CACHE'] ?? '300';
    const args = [main, this.#server.address, this.#queue, this.world.root, cache];
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#workers.add(worker);
    worker.once('exit', () => this.#workers.delete(worker));
    const said = await Promise.race([once(worker.stdout, 'data'), once(worker, 'exit')]);
    if (!String(said[0]).startsWith('ready')) throw new Error(`the worker ended with ${String(said[0])} before it polled`);
    return worker;
  }

  /** Kills every worker and waits until they are gone. */
  async killWorkers(): Promise<void> {
    await Promise.all(
      [...this.#workers].map(async (worker) => {
        worker.kill('SIGKILL');
        if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
      }),
    );
  }

  async client(): Promise<Client> {
    this.#client ??= new Client({ connection: await Connection.connect({ address: this.#server.address }) });
    return this.#client;
  }

  provision(extra: Partial<ProvisionRequest> = {}): Promise<Accepted> {
    const birth = birthFrom(randomBytes(6));
    const requestId = randomBytes(8).toString('hex');
    const place = { provider: 'local', host: 'local' } as const;
    return this.request({ kind: 'provision', requestId, origin: 'test', spec: testSpec, place, birth, how: 'new', ...extra });
  }

  remove(extra: Partial<RemoveRequest> = {}): Promise<Accepted> {
    const requestId = randomBytes(8).toString('hex');
    const place = { provider: 'local', host: 'local' } as const;
    return this.request({ kind: 'remove', requestId, origin: 'test', purge: false, place, ...extra });
  }

  async request(request: Request, startRequest: Request | undefined = request): Promise<Accepted> {
    const client = await this.client();
    const start: GatewayStart = {
      layout: 1,
      deployment: testDeployment,
      gateway: this.id,
      limits: this.limits,
      ...(startRequest && { request: startRequest }),
    };
    const startWorkflowOperation = new WithStartWorkflowOperation('gateway', {
      workflowId: gatewayWorkflowId(this.id),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: this.#queue,
      args: [start],
    });
    return client.workflow.executeUpdateWithStart(requestUpdate, { args: [request], updateId: request.requestId, startWorkflowOperation });
  }

  async describe(): Promise<Description> {
    return (await this.client()).workflow.getHandle(gatewayWorkflowId(this.id)).query(describeQuery);
  }

  /** Waits until nothing of this gateway runs or waits, and answers what is on record. */
  async settled(limitMs = 60_000): Promise<Description> {
    return this.until((found) => found.running === undefined && found.queue.length === 0 && found.phase !== 'queued', limitMs);
  }

  /** Waits until the record says so. A worker that is away, or a server, is waited for. */
  async until(holds: (found: Description) => boolean, limitMs = 60_000): Promise<Description> {
    const deadline = Date.now() + limitMs;
    let last: unknown;
    for (;;) {
      try {
        const client = await this.client();
        const found = await client.withDeadline(Date.now() + 2_000, () => this.describe());
        if (holds(found)) return found;
        last = found;
      } catch (error) {
        last = error;
      }
      if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${JSON.stringify(last)}`, { cause: last });
      await sleep(50);
    }
  }

  /** One container, volume and network of one birth, and nothing else. */
  expected(birth: string): string[] {
    const base = `oc-${this.id}-${birth}`;
    return [`container ${base}`, `network ${base}`, `volume ${base}-state`];
  }

  /** A worker that dies by itself is followed by another, until the stage closes. */
  async keepWorker(): Promise<void> {
    const worker = await this.startWorker();
    worker.once('exit', () => {
      if (!this.#closing) void this.keepWorker();
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.killWorkers();
    await this.#client?.connection.close();
    this.world.close();
  }
}
