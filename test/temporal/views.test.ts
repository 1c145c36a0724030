import fs from 'node:fs';
import type { Client } from '@temporalio/client';
import { describe, expect, vi } from 'vitest';
import { onSharedGround } from './on-stage.js';
import { testSpec } from '../world/open-test-world.js';
import { patienceMs } from '../ground/patience.js';

/** The queries of the runbook's views, by what it calls them. */
const runbook = fs.readFileSync('docs/runbook.md', 'utf8');
const views = new Map(
  [
    ...runbook.matchAll(/^- \[(.+)\]\(http:\/\/127\.0\.0\.1:8080\/namespaces\/default\/workflows\?query=(\S+)\)$/gm),
  ].map(([, title = '', query = '']) => [title, decodeURIComponent(query)] as const),
);

/** Of an event that a run has scheduled a call or a timer by. */
type Event = {
  readonly activityTaskScheduledEventAttributes?: object | null;
  readonly timerStartedEventAttributes?: object | null;
  readonly userMetadata?: { readonly summary?: object | null } | null;
};

/** The calls and timers of a run. */
async function waitsOf(client: Client, workflowId: string): Promise<Event[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event: Event) =>
    Boolean(event.activityTaskScheduledEventAttributes ?? event.timerStartedEventAttributes),
  );
}

/** What the list shows comes a moment after what it is of. */
const soon = (holds: () => Promise<void>) => vi.waitFor(holds, { timeout: patienceMs, interval: 200 });

describe('K-4: the Temporal UI', () => {
  const on = onSharedGround();

  on('lists in every view of the runbook what the view is called by', async (stage) => {
    const client = await stage.client();
    const ids = async (title: string) => {
      const found: string[] = [];
      const query = `(${views.get(title) ?? 'no such view'}) AND WorkflowId STARTS_WITH 'gateway/${stage.id}'`;
      for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
      return found.toSorted();
    };
    const lists = (title: string, wanted: unknown) => soon(async () => expect(await ids(title), title).toEqual(wanted));
    for (const query of views.values()) await client.workflow.count(query);
    expect(views.size).toBe(10);

    stage.interfere('ensureOperator', 'fail');
    const { birth } = await stage.provision({ spec: { ...testSpec, parkMs: 3_600_000 } });
    const [record, first] = [`gateway/${stage.id}`, `gateway/${stage.id}/${birth}/1-provision`];
    await stage.until(({ phase }) => phase === 'parked');
    await lists('every gateway, with its phase', [record]);
    await lists('gateways and runs that need a person', [record, first]);
    await lists('operations under way', [first]);
    await lists('gateways that were never rotated', [record]);
    await lists('gateways on machines of their own', []);
    await stage.remove();
    await stage.settled();
    await lists('operations that came to nothing', [first]);
    expect((await waitsOf(client, first)).filter(({ userMetadata }) => !userMetadata?.summary)).toEqual([]);
    await lists('operations under way', []);
    await lists('every gateway, with its phase', []);
  });

  on('shows the token generation in force, and of each call and timer in words what it is for', async (stage) => {
    const client = await stage.client();
    const { birth } = await stage.provision();
    await stage.settled();
    await stage.rotate();
    await stage.settled();
    const shown = async () => (await client.workflow.getHandle(`gateway/${stage.id}`).describe()).typedSearchAttributes;
    const generation = async () => (await shown()).getAll().find(({ key }) => key.name === 'TokenGeneration')?.value;
    await soon(async () => expect(await generation()).toBe(2));
    await stage.remove();
    await stage.settled();
    const runs = ['', `/${birth}/1-provision`, `/${birth}/2-rotate`, `/${birth}/3-remove`];
    const events = (await Promise.all(runs.map((run) => waitsOf(client, `gateway/${stage.id}${run}`)))).flat();
    expect(events.length).toBeGreaterThan(20);
    expect(events.filter(({ userMetadata }) => !userMetadata?.summary)).toEqual([]);
  });
});
