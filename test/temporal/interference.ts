import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refused } from '../../src/domain/errors.js';
import type { Activities } from '../../src/activities/activities.js';
import { currentSignal } from '../../src/worker/current-signal.js';
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

  set(activity: string, gateway: string, interference: Interference): void {
    replaceFile(this.#at(activity, gateway), interference);
  }

  clear(activity: string, gateway: string): void {
    fs.rmSync(this.#at(activity, gateway), { force: true });
  }

  /** Whether an activity has ended its process. */
  crashed(activity: string, gateway: string): boolean {
    return fs.existsSync(`${this.#at(activity, gateway)}.crashed`);
  }

  /** Waits until an activity is held. */
  async held(activity: string, gateway: string, limitMs = 30_000): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!fs.existsSync(`${this.#at(activity, gateway)}.held`)) {
      if (Date.now() > deadline) throw new Error(`${activity} was not held within ${limitMs} ms`);
      await sleep(20);
    }
  }

  /** The activities with this interference around each. */
  around(activities: Activities): Activities {
    const wrap = (name: string, activity: (input: never) => Promise<unknown>) => async (input: never) => {
      const at = this.#at(name, gatewayOf(input));
      if (readText(at) === 'fail') throw new Refused(`${name} was made to fail`);
      await hold(at, 'hold before');
      currentSignal()?.throwIfAborted(); // As an adapter does right before its request.
      const value = await activity(input);
      if (readText(at) === 'crash after' && createFile(`${at}.crashed`, '')) await die();
      await hold(at, 'hold after');
      return value;
    };
    const entries = Object.entries(activities) as [string, (input: never) => Promise<unknown>][];
    return Object.fromEntries(entries.map(([name, activity]) => [name, wrap(name, activity)])) as Activities;
  }

  #at(activity: string, gateway: string): string {
    return path.join(this.#root, `${activity}@${gateway}`);
  }
}

async function hold(at: string, interference: Interference): Promise<void> {
  if (readText(at) === interference) replaceFile(`${at}.held`, '');
  while (readText(at) === interference) await sleep(20);
}

function gatewayOf(input: unknown): string {
  const { mark, gateway } = Object(input) as { mark?: { gateway: string }; gateway?: string };
  return mark?.gateway ?? gateway ?? 'none';
}

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined); // The signal ends this process before anything is reported.
}
