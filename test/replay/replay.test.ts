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

async function replay(history: unknown, over = options): Promise<void> {
  await Worker.runReplayHistory(over, historyFromJSON(history), idIn(history));
}

/** A sweep, a reconciliation and the proof after a restart name their page after themselves. */
function idIn(history: unknown): string {
  return (
    /"page\/((?:sweep|reconcile|engine\/[^"/]+)\/[^"/]+)"/.exec(JSON.stringify(history))?.[1] ?? 'gateway/replayed'
  );
}

/** The bundle of workflows that are changed in one place. */
function changed(from: string, to: string): ReplayWorkerOptions {
  const code = fs.readFileSync(path.resolve('dist/workflow-bundle.js'), 'utf8');
  const text = code.replaceAll(from, to);
  expect(text, `${from} is nowhere in the bundle`).not.toBe(code);
  return { workflowBundle: { code: text } };
}

const nondeterminism = { name: 'DeterminismViolationError', message: expect.stringMatching(/[Nn]ondeterminism/) };

describe('a recorded history replays', () => {
  it.each(names)('%s', (name) => replay(read(name)));
});

describe('an open history of an older creel', () => {
  const named = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['@customer'] };

  /** The same history, had its gateway been asked for otherwise: with what is refused today. */
  function asking(name: string, from: string, to: string): ReturnType<typeof read> {
    const reworded = (data: string) => {
      const text = Buffer.from(data, 'base64').toString('utf8');
      return Buffer.from(text.replaceAll(from, to)).toString('base64');
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
      const history = asking(`0.1.0/${state}-gateway.json`, '"channels":[]', `"channels":[${JSON.stringify(named)}]`);
      await replay(history);
      await replay(withoutUpdate(history));
    },
  );

  it.each(['idle', 'parked', 'running', 'unwinding'])(
    'goes on when its %s gateway was asked for with a fraction, as `--keep-state "1.1 days"` was',
    async (state) => {
      const history = asking(`0.1.0/${state}-gateway.json`, '"memoryMb":2048', '"memoryMb":2048.0000000000005');
      await replay(history);
      await replay(withoutUpdate(history));
    },
  );
});

describe('the control', () => {
  const control = '0.1.0/idle-operation.json';

  it('fails when an activity has another name', async () => {
    const text = JSON.stringify(read(control)).replaceAll('ensureNetwork', 'ensureNet');
    await expect(replay(JSON.parse(text))).rejects.toMatchObject(nondeterminism);
  });

  it('fails when the workflow leaves a step out', async () => {
    const over = changed('this.#skipped.includes(step)', "step === 'join network' || this.#skipped.includes(step)");
    await expect(replay(read(control), over)).rejects.toMatchObject(nondeterminism);
  });

  it('fails when the workflow does one more thing at its end', async () => {
    const over = changed(
      'await Promise.all(this.#pages);',
      "await Promise.all(this.#pages); await this.sleep(1, 'more');",
    );
    await expect(replay(read(control), over)).rejects.toMatchObject(nondeterminism);
  });

  it('fails when a run over the fleet looks otherwise than it did', async () => {
    const over = changed("('a fleet in pages') ? await", "('a fleet in pages') || true ? await");
    await expect(replay(read('0.2.0/fleet-running.json'), over)).rejects.toMatchObject(nondeterminism);
  });

  it('fails when the release that a record of version 1 went back to is not read', async () => {
    const over = changed('kept && { former: kept }', 'kept && {}');
    await expect(replay(read('0.6.0/carried-upgraded-run-2.json'), over)).rejects.toMatchObject(nondeterminism);
  });

  it('fails when a reading of a log asks for no more when it has ended', async () => {
    const over = changed('if (hasEnded)', 'if (!hasEnded)');
    await expect(replay(read('0.8.0/log-silent.json'), over)).rejects.toMatchObject(nondeterminism);
  });

  it('fails when a deployment puts other releases on its record than it was told', async () => {
    const over = changed('({ releases: [...now] })', '({})');
    await expect(replay(read('0.8.0/deployment-releases-run-1.json'), over)).rejects.toMatchObject(nondeterminism);
  });

  it('replays unchanged', () => replay(read(control)));
});
