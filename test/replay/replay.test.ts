import fs from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

const histories = path.resolve('test/replay/histories');
const names = fs.readdirSync(histories, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));

let options: ReplayWorkerOptions;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const workflowsPath = path.resolve('dist/src/workflows/index.js');
  options = { workflowBundle: await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }) };
});

function read(name: string): Record<string, unknown> & { events: Record<string, unknown>[] } {
  return JSON.parse(fs.readFileSync(path.join(histories, name), 'utf8'));
}

async function replay(history: unknown): Promise<void> {
  await Worker.runReplayHistory(options, historyFromJSON(history), 'gateway/replayed');
}

describe('a recorded history replays', () => {
  it.each(names)('%s', (name) => replay(read(name)));
});

describe('the control', () => {
  const control = names.find((name) => name.endsWith('idle-operation.json')) ?? '';

  it('fails when an activity has another name', async () => {
    const text = JSON.stringify(read(control)).replaceAll('ensureNetwork', 'ensureNet');
    await expect(replay(JSON.parse(text))).rejects.toThrow(/ensureNet|[Nn]ondeterminism/);
  });

  it('fails when a step is missing', async () => {
    const history = read(control);
    const scheduled = history.events.find((event) => JSON.stringify(event).includes('"ensureNetwork"'));
    const id = Number(scheduled?.['eventId']);
    const events = history.events.filter((event) => Number(event['eventId']) < id || Number(event['eventId']) > id + 5);
    await expect(replay({ ...history, events })).rejects.toThrow();
  });

  it('replays unchanged', () => replay(read(control)));
});

describe('budgets of a first provision', () => {
  it('the operation has at most 85 events and 20 KB', () => {
    const name = names.find((each) => each.endsWith('idle-operation.json')) ?? '';
    expect(read(name).events.length).toBeLessThanOrEqual(85);
    expect(sizeOf(name)).toBeLessThanOrEqual(20 * 1024);
  });

  it('the gateway has at most 25 events', () => {
    const name = names.find((each) => each.endsWith('idle-gateway.json')) ?? '';
    expect(read(name).events.length).toBeLessThanOrEqual(25);
  });

  it('both take at most 22 actions without heartbeats', () => {
    const billed = ['idle-operation.json', 'idle-gateway.json'].flatMap((end) =>
      read(names.find((name) => name.endsWith(end)) ?? '').events.flatMap((event) =>
        actions(String(event['eventType'])),
      ),
    );
    expect(billed.length).toBeLessThanOrEqual(22);
  });
});

/** Every event that costs an action, as often as it costs; a child counts two, its own start none. */
function actions(eventType: string): string[] {
  const one =
    /ACTIVITY_TASK_SCHEDULED|TIMER_STARTED|SIGNALED|UPDATE_ACCEPTED|UPSERT_WORKFLOW_SEARCH_ATTRIBUTES|CONTINUED_AS_NEW/;
  if (eventType.includes('START_CHILD_WORKFLOW_EXECUTION_INITIATED')) return [eventType, eventType];
  return one.test(eventType) ? [eventType] : [];
}

/** The size as the server counts it: encoded, not as JSON. */
function sizeOf(name: string): number {
  return temporal.api.history.v1.History.encode(historyFromJSON(read(name))).finish().length;
}
