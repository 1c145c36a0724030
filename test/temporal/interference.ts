import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Activities } from '../../src/activities/activities.js';
import { createFile, readText, replaceFile } from '../world/directory-files.js';

/**
 * What is made to happen to an activity, in whichever process it runs: `crash after` ends its process after the effect and before
 * the report, once; `hold before` and `hold after` keep it waiting before or after its effect until it is let go.
 */
export type Interference = 'crash after' | 'hold before' | 'hold after' | 'fail';

/** Interference with the activities of one world, by files that every worker of it sees. */
export class Interferences {
  readonly #root: string;

  constructor(root: string) {
    this.#root = path.join(root, 'interference');
  }

  set(activity: string, interference: Interference): void {
    replaceFile(this.#at(activity), interference);
  }

  clear(activity: string): void {
    fs.rmSync(this.#at(activity), { force: true });
  }

  /** Waits until an activity is held. */
  async held(activity: string, limitMs = 30_000): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!fs.existsSync(this.#at(`${activity}.held`))) {
      if (Date.now() > deadline) throw new Error(`${activity} was not held within ${limitMs} ms`);
      await sleep(20);
    }
  }

  /** The activities with this interference around each. */
  around(activities: Activities): Activities {
    const wrap = (name: string, activity: (input: never) => Promise<unknown>) => async (input: never) => {
      if (this.#of(name) === 'fail') throw Object.assign(new Error(`${name} was made to fail`), { name: 'Refused' });
      await this.#hold(name, 'hold before');
      const value = await activity(input);
      if (this.#of(name) === 'crash after' && createFile(this.#at(`${name}.crashed`), '')) await die();
      await this.#hold(name, 'hold after');
      return value;
    };
    const entries = Object.entries(activities) as [string, (input: never) => Promise<unknown>][];
    return Object.fromEntries(entries.map(([name, activity]) => [name, wrap(name, activity)])) as Activities;
  }

  async #hold(name: string, interference: Interference): Promise<void> {
    if (this.#of(name) === interference) replaceFile(this.#at(`${name}.held`), '');
    while (this.#of(name) === interference) await sleep(20);
  }

  #of(name: string): string | undefined {
    return readText(this.#at(name));
  }

  #at(name: string): string {
    return path.join(this.#root, name);
  }
}

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined); // The signal ends this process before anything is reported.
}
