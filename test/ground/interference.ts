import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asyncLocalStorage } from '@temporalio/activity';
import { NotYet, Refused } from '../../src/domain/errors.js';
import type { Activities } from '../../src/activities/activities.js';
import { currentSignal } from '../../src/worker/current-signal.js';
import { createFile, readText, replaceFile } from '../world/directory-files.js';
import { patienceMs } from './patience.js';

/**
 * What is made to happen to an activity, in whichever process it runs: `crash after` ends its process after the effect and before
 * the report, once; `hold before` and `hold after` keep it waiting before or after its effect until it is let go; `hold under way` before its
 * effect, when no cancellation and no time-out can stop it any more, like a request that was sent; `fail` refuses it, `stumble`
 * from its second attempt on: at the first it is not yet to be done.
 */
export type Interference = 'crash after' | 'hold before' | 'hold under way' | 'hold after' | 'fail' | 'stumble';

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

  /** Waits until an activity is held; the process that holds it. */
  async held(activity: string, gateway: string, limitMs = patienceMs): Promise<number> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const holder = readText(`${this.#at(activity, gateway)}.held`);
      if (holder !== undefined) return Number(holder);
      if (Date.now() > deadline) throw new Error(`${activity} was not held within ${limitMs} ms`);
      await sleep(20);
    }
  }

  /** How an attempt that this process held under way has ended: `done`, or its error's message; undefined while it has not. */
  endIn(pid: number, activity: string, gateway: string): string | undefined {
    return readText(`${this.#at(activity, gateway)}.end-${pid}`);
  }

  /** The activities with this interference around each. */
  around(activities: Activities): Activities {
    const wrap = (name: string, activity: (input: never) => Promise<unknown>) => async (input: never) => {
      const at = this.#at(name, gatewayOf(input));
      if (readText(at) === 'fail') throw new Refused(`${name} was made to fail`);
      if (readText(at) === 'stumble')
        throw createFile(`${at}.stumbled`, '')
          ? new NotYet(`${name} stumbled`)
          : new Refused(`${name} was made to fail`);
      await hold(at, 'hold before');
      currentSignal()?.throwIfAborted(); // As an adapter does right before its request.
      const underWay = await hold(at, 'hold under way');
      const value = await (underWay ? unstoppable(at, () => activity(input)) : activity(input));
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

/** Keeps an activity waiting while it is to be held; whether it was. */
async function hold(at: string, interference: Interference): Promise<boolean> {
  const holds = readText(at) === interference;
  if (holds) replaceFile(`${at}.held`, String(process.pid));
  while (readText(at) === interference) await sleep(20);
  return holds;
}

/** Runs an activity where it finds no signal to stop it, and leaves a note of how it ended in this process. */
async function unstoppable(at: string, activity: () => Promise<unknown>): Promise<unknown> {
  const note = (end: string) => replaceFile(`${at}.end-${process.pid}`, end);
  try {
    const value = await asyncLocalStorage.exit(activity);
    note('done');
    return value;
  } catch (error) {
    note(String(error));
    throw error;
  }
}

function gatewayOf(input: unknown): string {
  const { mark, gateway } = Object(input) as { mark?: { gateway: string }; gateway?: string | object };
  if (mark) return mark.gateway;
  return typeof gateway === 'object' ? gatewayOf(gateway) : (gateway ?? 'none');
}

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined); // The signal ends this process before anything is reported.
}
