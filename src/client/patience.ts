import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { slowWorkerMs } from '../domain/thresholds.js';
import { taskQueue, waitsQueue } from '../wire/ids.js';
import { isSilence, NoWorker, unwrap } from './failure.js';
import { pollersOf, type Poller } from './pollers.js';

/** How often the server is asked who polls, while an answer is awaited. */
const lookMs = 1_000;

const listeners = new WeakMap<object, (sentence: string) => void>();

/** Has `listener` told why a call through this client takes long. */
export function hearPatience(client: Client, listener: (sentence: string) => void): void {
  listeners.set(client.connection, listener);
}

/** Tells the listener of this client a sentence. */
export function tellWaiting(client: Client, sentence: string): void {
  listeners.get(client.connection)?.(sentence);
}

/** How long one call may take, what silence means for the caller, and how long a worker that polls is waited for. */
export type Patience = {
  readonly withinMs: number;
  readonly meanwhile: string;
  readonly limitMs?: number;
  /** How often it is asked meanwhile who polls. */
  readonly paceMs?: number;
};

/**
 * Calls a workflow until it answers. Whether there is a worker is decided by who polls the task queue: without one it
 * is `NoWorker` at once, a slow one is waited for, saying so. Any other failure is thrown as it is.
 */
export async function patiently<T>(client: Client, call: () => Promise<T>, patience: Patience): Promise<T> {
  const { withinMs, limitMs = slowWorkerMs } = patience;
  const began = Date.now();
  for (let said = false; ; said = true) {
    const over = new AbortController();
    const deadline = Date.now() + withinMs;
    try {
      return await Promise.race([client.withDeadline(deadline, call), unlessPolled(client, patience, over.signal)]);
    } catch (error) {
      if (error instanceof NoWorker || !isSilence(error)) throw error;
      const pollers = await whoPolls(client).catch((silence: unknown) => {
        if (Date.now() - began >= limitMs) throw unwrap(silence); // Until then a slow server is waited for, too.
        return undefined;
      });
      if (pollers?.length === 0) throw nobody(client, patience, error);
      if (pollers && Date.now() - began >= limitMs) throw tooSlow(client, patience, pollers, Date.now() - began, error);
      if (pollers && !said) tellWaiting(client, slow(pollers));
    } finally {
      over.abort();
    }
    await after(lookMs);
  }
}

/** Rejects as soon as nobody polls. When the server does not say who does, only the call itself decides. */
async function unlessPolled(client: Client, patience: Patience, signal: AbortSignal): Promise<never> {
  for (;;) {
    await after(patience.paceMs ?? lookMs, undefined, { signal });
    const pollers = await whoPolls(client).catch(() => undefined);
    if (pollers?.length === 0) throw nobody(client, patience, undefined);
  }
}

/** The pollers of this namespace: workers that decide, and those with slots for waits, which are never all taken. */
async function whoPolls(client: Client): Promise<Poller[]> {
  const [deciding, waiting] = await Promise.all([
    pollersOf(client, taskQueue, 'workflow'),
    pollersOf(client, waitsQueue(taskQueue), 'activity'),
  ]);
  return [...deciding, ...waiting];
}

function nobody(client: Client, { meanwhile }: Patience, cause: unknown): NoWorker {
  return new NoWorker(
    `no worker answered: none polls task queue ${taskQueue} in namespace ${client.options.namespace}. ${sentence(meanwhile)}`,
    { cause },
  );
}

function tooSlow(client: Client, { meanwhile }: Patience, pollers: readonly Poller[], ms: number, cause: unknown) {
  const { namespace } = client.options;
  return new NoWorker(
    `no worker answered within ${Math.round(ms / 1000)} s, although one polls task queue ${taskQueue} in namespace ${namespace} (${names(pollers)}): see its log. ${sentence(meanwhile)}`,
    { cause },
  );
}

function slow(pollers: readonly Poller[]): string {
  return `a worker polls (${names(pollers)}) and has not answered yet: it is busy or has just gone. Waiting for it`;
}

function names(pollers: readonly Poller[]): string {
  return [...new Set(pollers.map(({ identity }) => identity))].slice(0, 3).join(', ');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
