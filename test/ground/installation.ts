import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';

/** The tarball that people install, made as `npm pack` makes it. */
export async function pack(into: string): Promise<string> {
  const { stdout } = await execa('npm', ['pack', '--json', '--pack-destination', into]);
  const [, listed = ''] = /(\[\s*\{[^]*)$/.exec(stdout) ?? []; // After what prepack has said.
  const [made]: { filename: string }[] = JSON.parse(listed);
  return path.join(into, made?.filename ?? '');
}

/** The binary of another version of Node: npm has it, and keeps it once it was fetched. */
export async function nodeBinary(version: string): Promise<string> {
  const one = `--package=node-${process.platform}-${process.arch}@${version}`;
  const { stdout } = await execa('npm', ['exec', '--yes', one, '--', 'node', '-p', 'process.execPath']);
  return stdout.trim();
}

/** creel as `npm install --global` puts it below a prefix of its own, with a home of its own and a PATH that has next to nothing. */
export class Installation {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-installed-'));
  readonly home = path.join(this.root, 'home');
  readonly prefix = path.join(this.root, 'prefix');
  readonly #programs = path.join(this.root, 'programs');
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
    for (const directory of [this.home, this.#programs]) fs.mkdirSync(directory);
    const programs = { node, sh: '/bin/sh', env: '/usr/bin/env' };
    for (const [name, target] of Object.entries(programs)) fs.symlinkSync(target, path.join(this.#programs, name));
  }

  /** What npm says while it installs; it finds neither a compiler nor Python nor make. */
  async install(tarball: string): Promise<string> {
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--foreground-scripts'];
    const args = [npmProgram(), 'install', '--global', '--prefix', this.prefix, ...flags, tarball];
    const cache = (await execa('npm', ['config', 'get', 'cache'])).stdout.trim();
    const { all } = await execa(this.#node, args, { env: this.environment({ npm_config_cache: cache }), ...alone });
    return all;
  }

  at(...names: string[]): string {
    return path.join(this.prefix, ...names);
  }

  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    const certificates = process.env['NODE_EXTRA_CA_CERTS'];
    return {
      HOME: this.home,
      PATH: this.#programs,
      ...(certificates !== undefined && { NODE_EXTRA_CA_CERTS: certificates }),
      ...more,
    };
  }

  /** What a person types, anywhere but in a checkout. */
  creel(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
    return execa(this.at('bin/creel'), args, { env: this.environment(more), ...alone, reject: false });
  }

  /** `creel worker`, once it says that it is ready. */
  async startWorker(more: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
    const worker = spawn(this.at('bin/creel'), ['worker'], { cwd: this.home, env: this.environment(more) });
    let said = '';
    for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    const ended = once(worker, 'exit').then(() => Promise.reject(new Error(`the worker ended: ${said}`)));
    await Promise.race([ended, expect.poll(() => said, { timeout: 120_000 }).toContain('the worker is ready')]);
    ended.catch(() => undefined); // From here on its end is somebody's wish.
    return worker;
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

const alone = { cwd: os.tmpdir(), extendEnv: false, all: true, stdin: 'ignore' } as const;

/** The program behind the npm on PATH: whichever Node is to run it, can. */
function npmProgram(): string {
  const directories = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = directories.map((each) => path.join(each, 'npm')).find((each) => fs.existsSync(each));
  if (found === undefined) throw new Error('npm is not on PATH; it comes with Node');
  return fs.realpathSync(found);
}

/** Ends a worker as a service manager does, and answers how it ended. */
export async function ended(worker: ChildProcess): Promise<unknown> {
  worker.kill('SIGTERM');
  if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
  return worker.exitCode ?? worker.signalCode;
}
