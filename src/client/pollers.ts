import type { Client } from '@temporalio/client';
import { engineQueue, taskQueue, waitsQueue } from '../wire/ids.js';
import { pollFreshMs } from '../domain/thresholds.js';

/** Numbers of the API, which its package exports to CommonJS alone. */
const kinds = { workflow: 1, activity: 2 } as const;

/** Who polls a task queue, by the name it gave itself, and when it last did. */
export type Poller = { readonly identity: string; readonly seenAt: number };

/** Who polled a task queue recently enough to be still there: a poll stays open for a minute and is then renewed. */
export async function pollersOf(
  client: Client,
  queue: string,
  kind: keyof typeof kinds,
  freshMs = pollFreshMs,
): Promise<Poller[]> {
  const pollers = await listedPollers(client, queue, kind);
  return pollers.filter(({ seenAt }) => Date.now() - seenAt < freshMs);
}

/** Who has polled a task queue in the last minutes, by the server's own clock: it forgets pollers by itself. */
export async function listedPollers(client: Client, queue: string, kind: keyof typeof kinds): Promise<Poller[]> {
  const { namespace } = client.options;
  const asked = { namespace, taskQueue: { name: queue }, taskQueueType: kinds[kind] };
  const { pollers } = await client.workflowService.describeTaskQueue(asked);
  return (pollers ?? []).map(({ identity, lastAccessTime }) => ({
    identity: identity ?? '',
    seenAt: Number(lastAccessTime?.seconds ?? 0) * 1000,
  }));
}

/**
 * The queue that nobody polls, among those that a look at a gateway of this engine needs; undefined when all are
 * polled.
 */
export async function unpolled(client: Client, engine: string | undefined): Promise<string | undefined> {
  if ((await pollersOf(client, taskQueue, 'workflow')).length === 0) return `none polls task queue ${taskQueue}`;
  if (engine === undefined || (await isAttended(client, engine))) return undefined;
  return `none stands beside engine ${engine} (task queue ${engineQueue(engine)})`;
}

/**
 * Whether a worker stood beside an engine in the last minutes, whatever the clock here says: asked before anything
 * irreversible.
 */
export async function wasAttended(client: Client, engine: string): Promise<boolean> {
  return (await listedPollers(client, waitsQueue(engineQueue(engine)), 'activity')).length > 0;
}

/**
 * Whether a worker stands beside an engine now. Its slots for waits are never all taken, so it always polls for them.
 */
export async function isAttended(client: Client, engine: string): Promise<boolean> {
  return (await pollersOf(client, waitsQueue(engineQueue(engine)), 'activity')).length > 0;
}
