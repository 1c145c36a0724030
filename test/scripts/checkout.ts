import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { scratchDirectory } from '../world/scratch.js';

/** How a script ended and what it said. */
export type Ended = { readonly code: number | null; readonly said: string; readonly complained: string };

/** A checkout of creel's scripts and its command alone, with a home of its own: what they make lies in it. */
export class Checkout {
  readonly root = fs.realpathSync(scratchDirectory('creel-checkout-'));
  readonly home = path.join(this.root, 'home');
  readonly cache = path.join(this.home, '.cache/creel');

  constructor() {
    for (const name of ['scripts', 'image', 'bin', '.nvmrc'])
      fs.cpSync(name, path.join(this.root, name), { recursive: true });
    fs.mkdirSync(this.home);
  }

  /** Where a file of this checkout is. */
  at(...names: string[]): string {
    return path.join(this.root, ...names);
  }

  write(name: string, content: string): void {
    fs.mkdirSync(path.dirname(this.at(name)), { recursive: true });
    fs.writeFileSync(this.at(name), content);
  }

  /** Puts a program of this content on the PATH of what is started here. */
  program(name: string, content: string): void {
    this.write(`bin/${name}`, content);
    fs.chmodSync(this.at('bin', name), 0o755);
  }

  /** Starts a program with the home of this checkout and nothing else of the caller's environment. */
  start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const [program = '', ...args] = argv;
    const PATH = `${this.at('bin')}:${path.dirname(process.execPath)}:/usr/bin:/bin`;
    return spawn(program, args, { cwd: this.root, env: { HOME: this.home, PATH, ...env } });
  }

  async run(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return ended(this.start(argv, env));
  }

  /** Runs an ES module that may import the scripts, and reads what it prints as JSON. */
  async ask(code: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
    this.write('ask.mjs', code);
    const { said, complained } = await this.run([process.execPath, 'ask.mjs'], env);
    if (said === '') throw new Error(complained);
    return JSON.parse(said);
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

/** Waits for the end of a process and gathers what it says until then. */
export async function ended(process: ChildProcess): Promise<Ended> {
  let [said, complained] = ['', ''];
  process.stdout?.on('data', (chunk) => (said += String(chunk)));
  process.stderr?.on('data', (chunk) => (complained += String(chunk)));
  await once(process, 'close');
  return { code: process.exitCode, said, complained };
}
