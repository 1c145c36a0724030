import fs from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

const histories = path.resolve('test/replay/histories');
const names = fs.readdirSync(histories, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));

/** The very bundle that workers run. */
const options: ReplayWorkerOptions = { workflowBundle: { codePath: path.resolve('dist/workflow-bundle.js') } };
beforeAll(() => void Runtime.install({ logger: new DefaultLogger('ERROR') }));

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
