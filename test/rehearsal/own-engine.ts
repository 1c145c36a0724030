import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { z } from 'zod';

const told = z.object({
  command: z.array(z.string()).min(1),
  data: z.string(),
  log: z.string(),
  socket: z.string(),
  pidfile: z.string(),
});

/** The engine of a rehearsal, which nobody else uses: it can be killed, started again, and its disk filled. */
export class OwnEngine {
  readonly #told: z.infer<typeof told>;

  constructor() {
    const given = process.env['REHEARSAL_ENGINE'];
    if (given === undefined)
      throw new Error('these tests end their engine: run them with `npm run rehearse -- engine 29 test/rehearsal`');
    this.#told = told.parse(JSON.parse(given));
  }

  get socketPath(): string {
    return this.#told.socket;
  }

  /** SIGKILL, as the kernel or a power cut would; containers run on. */
  async kill(): Promise<void> {
    const pid = Number(fs.readFileSync(this.#told.pidfile, 'utf8'));
    process.kill(pid, 'SIGKILL');
    while (isAlive(pid)) await sleep(20);
  }

  /** Asks it to end, as a service manager would. */
  async stop(): Promise<void> {
    const pid = Number(fs.readFileSync(this.#told.pidfile, 'utf8'));
    process.kill(pid, 'SIGTERM');
    while (isAlive(pid)) await sleep(20);
  }

  async start(): Promise<void> {
    const [program = '', ...flags] = this.#told.command;
    const log = fs.openSync(this.#told.log, 'a');
    fs.rmSync(this.#told.pidfile, { force: true });
    spawn(program, flags, { detached: true, stdio: ['ignore', log, log] }).unref();
    fs.closeSync(log);
    const docker = new Docker({ socketPath: this.socketPath });
    for (let waited = 0; waited < 60_000; waited += 100) {
      const answers = await docker.ping().then(
        () => true,
        () => false,
      );
      if (answers) return this.#takeUsualPlace();
      await sleep(100);
    }
    throw new Error(`the engine did not come up again, see ${this.#told.log}`);
  }

  /** Its socket is another file after each start. */
  #takeUsualPlace(): void {
    execFileSync('umount', ['/run/docker.sock']);
    execFileSync('mount', ['--bind', this.socketPath, '/run/docker.sock']);
  }

  /** Fills its disk to the last byte while something is done. */
  async whileFull<T>(act: () => Promise<T>): Promise<T> {
    const file = `${this.#told.data}/filler`;
    const { bavail, bsize } = fs.statfsSync(this.#told.data);
    execFileSync('fallocate', ['-l', String(Math.max(1, bavail * bsize - nearlyBytes)), file]);
    const descriptor = fs.openSync(file, 'a');
    try {
      while (wrote(descriptor, Buffer.alloc(bsize)));
      return await act();
    } finally {
      fs.closeSync(descriptor);
      fs.rmSync(file);
    }
  }
}

/** What is left to be written byte for byte, because an allocation of all that is free may be refused whole. */
const nearlyBytes = 64 * 1024 ** 2;

function wrote(descriptor: number, block: Buffer): boolean {
  try {
    return fs.writeSync(descriptor, block) === block.length;
  } catch {
    return false; // Full.
  }
}

function isAlive(pid: number): boolean {
  try {
    const status = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !status.slice(status.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}
