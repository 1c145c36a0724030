import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import getPort from 'get-port';
import { searchAttributeKeys } from '../../src/wire/search-attributes.js';
import { foundTemporal } from './found.js';
import { scratchDirectory } from '../world/scratch.js';

const settings = ['history.transferProcessorMaxPollRPS=1000', 'system.enableActivityEagerExecution=true'];
const words: Record<string, string> = { KEYWORD: 'Keyword', INT: 'Int', BOOL: 'Bool', DATETIME: 'Datetime' };

/** A Temporal dev server of the test's own: its database outlives a kill. */
export class TestServer {
  readonly address: string;
  readonly #directory: string;
  readonly #port: number;
  readonly #saved: string;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
    this.address = `127.0.0.1:${port}`;
    this.#directory = scratchDirectory('creel-server-');
    this.#saved = `${this.#directory}-saved`;
  }

  /** Starts one on a free port and waits until it answers. */
  static async start(): Promise<TestServer> {
    for (let tries = 1; ; tries += 1) {
      const server = new TestServer(await getPort());
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.stop();
        if (tries === 3) throw error; // Somebody else may take a port between its choice and its use.
      }
    }
  }

  /** Starts it (again) on the same database. */
  async start(): Promise<void> {
    const database = [
      '--db-filename',
      path.join(this.#directory, 'temporal.db'),
      '--sqlite-pragma',
      'journal_mode=WAL',
      '--sqlite-pragma',
      'synchronous=NORMAL',
    ];
    const where = ['--ip', '127.0.0.1', '--port', String(this.#port), '--headless', '--log-level', 'error'];
    const dynamic = settings.flatMap((each) => ['--dynamic-config-value', each]);
    const attributes = searchAttributeKeys.flatMap(({ name, type }) => [
      '--search-attribute',
      `${name}=${words[type]}`,
    ]);
    const temporal = foundTemporal();
    const args = ['server', 'start-dev', ...where, ...database, ...dynamic, ...attributes];
    this.#process = spawn(temporal, args, { stdio: 'ignore' });
    await this.#answers();
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill('SIGKILL');
    await once(running, 'exit');
  }

  /** Keeps what its database holds now, for `restore`. */
  async save(): Promise<void> {
    await this.kill();
    fs.cpSync(this.#directory, this.#saved, { recursive: true });
    await this.start();
  }

  /** Goes back to the hour of `save`, at the same address. */
  async restore(): Promise<void> {
    await this.kill();
    for (const name of fs.readdirSync(this.#directory)) fs.rmSync(path.join(this.#directory, name));
    fs.cpSync(this.#saved, this.#directory, { recursive: true });
    await this.start();
  }

  /** Loses its database, and starts again at the same address with an empty one. */
  async lose(): Promise<void> {
    await this.kill();
    for (const name of fs.readdirSync(this.#directory)) fs.rmSync(path.join(this.#directory, name));
    await this.start();
  }

  /** Ends it and removes its database. */
  async stop(): Promise<void> {
    await this.kill();
    for (const each of [this.#directory, this.#saved]) fs.rmSync(each, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const deadline = Date.now() + 120_000;
    for (;;) {
      try {
        const connection = await Connection.connect({ address: this.address, connectTimeout: 1_000 });
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        await connection.close();
        return;
      } catch (error) {
        if (Date.now() > deadline || this.#process?.exitCode !== null)
          throw new Error(`the Temporal dev server does not answer at ${this.address}`, { cause: error });
        await sleep(100);
      }
    }
  }
}
