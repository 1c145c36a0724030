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

describe('an open history of an older creel', () => {
  const named = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['@customer'] };

  /** The same history, had its gateway been asked for with a sender that is refused today. */
  function withHandle(name: string): ReturnType<typeof read> {
    const reworded = (data: string) => {
      const text = Buffer.from(data, 'base64').toString('utf8');
      return Buffer.from(text.replaceAll('"channels":[]', `"channels":[${JSON.stringify(named)}]`)).toString('base64');
    };
    const text = JSON.stringify(read(name));
    return JSON.parse(text.replaceAll(/"data":"([^"]+)"/g, (_whole, data: string) => `"data":"${reworded(data)}"`));
  }

  /** The same, had only the start arguments arrived: words that change nothing stand where its update stood. */
  function withoutUpdate(history: ReturnType<typeof read>): unknown {
    const events = history.events.map((event) => {
      const { eventId, eventTime, taskId } = event;
      if (!String(event['eventType']).includes('EXECUTION_UPDATE_')) return event;
      const heard = { signalName: 'parked', identity: 'test' };
      const eventType = 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED';
      return { eventId, eventTime, taskId, eventType, workflowExecutionSignaledEventAttributes: heard };
    });
    return { ...history, events };
  }

  it.each(['idle', 'parked', 'running', 'unwinding'])(
    'goes on when its %s gateway names a sender by a handle',
    async (state) => {
      const history = withHandle(`0.1.0/${state}-gateway.json`);
      await replay(history);
      await replay(withoutUpdate(history));
    },
  );
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
