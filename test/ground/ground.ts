import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { Interferences } from './interference.js';
import type { TestServer } from './server.js';

/** A task queue with workers that can be killed: what gateways of a test stand on. */
export abstract class Ground {
  readonly server: TestServer;
  readonly root: string;
  readonly deployment: string;
  readonly interferences: Interferences;
  readonly queue: string;
  /** The compiled main of its workers, and what it is told beside address, queue, directory, cache and work. */
  protected abstract readonly main: string;
  readonly #workers = new Set<ChildProcess>();
  #closing = false;

  constructor(server: TestServer, root: string, deployment: string, queue = `test-${randomBytes(4).toString('hex')}`) {
    this.queue = queue;
    this.server = server;
    this.root = root;
    this.deployment = deployment;
    this.interferences = new Interferences(root);
  }

  /** Starts a worker and waits until it polls. */
  async startWorker(work: 'everything' | 'workflows' | 'activities' = 'everything'): Promise<ChildProcess> {
    const cache = process.env['TEST_WORKFLOW_CACHE'] ?? '100';
    const args = [
      '--max-old-space-size=192',
      '--max-semi-space-size=8',
      path.resolve(this.main),
      this.server.address,
      this.queue,
      this.root,
      cache,
      work,
      this.deployment,
    ];
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#workers.add(worker);
    worker.once('exit', () => this.#workers.delete(worker));
    const said = await Promise.race([once(worker.stdout, 'data'), once(worker, 'exit')]);
    if (!String(said[0]).startsWith('ready'))
      throw new Error(`the worker ended with ${String(said[0])} before it polled`);
    return worker;
  }

  /** A worker that dies by itself is followed by another, until the ground closes. */
  async keepWorker(): Promise<void> {
    const worker = await this.startWorker();
    worker.once('exit', () => {
      if (!this.#closing) void this.keepWorker();
    });
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

  async close(): Promise<void> {
    this.#closing = true;
    await this.killWorkers();
  }
}
