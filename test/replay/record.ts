import fs from 'node:fs';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { gatewayWorkflowId } from '../../src/workflows/ids.js';
import type { ChangeRequest } from '../../src/workflows/change-requests.js';
import { replyUpdate } from '../../src/workflows/requests.js';
import { DirectoryGround } from '../temporal/directory-ground.js';
import { DirectoryStage } from '../temporal/directory-stage.js';
import { TestServer } from '../temporal/server.js';
import { testSpec } from '../world/open-test-world.js';

/**
 * Records the histories that every later version must replay: `node dist/test/replay/record.js DIRECTORY [NAME…]`, once per released
 * version of the workflows, never to be edited. Closed ones, and open ones: idle, running, parked, unwinding.
 */
const directory = process.argv[2] ?? '';
if (directory === '' || fs.existsSync(directory))
  throw new Error('name a new directory: recorded histories are never overwritten');
fs.mkdirSync(directory, { recursive: true });

const server = await TestServer.start();
const ground = new DirectoryGround(server);
await ground.startWorker();
const waiting = { ...testSpec, parkMs: 3_600_000 };
const kept = { ...testSpec, keepStateMs: 3_600_000 };

async function save(stage: DirectoryStage, name: string, workflowId: string): Promise<void> {
  const history = await (await stage.client()).workflow.getHandle(workflowId).fetchHistory();
  fs.writeFileSync(path.join(directory, `${name}.json`), withoutStacks(historyToJSON(history)));
}

async function saveBoth(stage: DirectoryStage, name: string): Promise<void> {
  await save(stage, `${name}-gateway`, gatewayWorkflowId(stage.id));
  const { running, last } = await stage.describe();
  await save(stage, `${name}-operation`, running?.workflowId ?? last?.workflowId ?? '');
}

const scenarios: Record<string, (stage: DirectoryStage) => Promise<void>> = {
  idle: async (stage) => {
    await stage.provision();
    await stage.settled();
  },
  running: async (stage) => {
    stage.interfere('probeReadiness', 'hold before');
    await stage.provision();
    await stage.held('probeReadiness');
  },
  parked: async (stage) => {
    stage.interfere('ensureOperator', 'fail');
    await stage.provision({ spec: waiting });
    await stage.until(({ phase }) => phase === 'parked');
  },
  retried: async (stage) => {
    stage.interfere('ensureOperator', 'fail');
    await stage.provision({ spec: waiting });
    const { park } = await stage.until(({ phase }) => phase === 'parked');
    stage.letGo('ensureOperator');
    const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
    await handle.executeUpdate(replyUpdate, {
      args: [{ park: park?.number ?? '', answer: 'retry', origin: 'record' }],
    });
    await stage.settled();
  },
  unwinding: async (stage) => {
    stage.interfere('ensureOperator', 'fail');
    stage.interfere('removeNetwork', 'hold before');
    await stage.provision();
    await stage.held('removeNetwork');
  },
  undone: async (stage) => {
    stage.interfere('findGateway', 'fail');
    await stage.provision();
    await stage.settled();
  },
  removed: async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.remove();
    await stage.settled();
  },
  kept: async (stage) => {
    await stage.provision({ spec: kept });
    await stage.settled();
    await stage.remove();
    await stage.settled();
  },
  restored: async (stage) => {
    await stage.provision({ spec: kept });
    await stage.settled();
    await stage.remove();
    await stage.settled();
    await stage.provision({ spec: kept, how: 'restore' });
    await stage.settled();
  },
  repaired: async (stage) => {
    const { birth } = await stage.provision();
    await stage.settled();
    stage.ground.world.engine.forget('container', `oc-${stage.id}-${birth}`);
    await stage.provision();
    await stage.settled();
  },
  'pre-empted': async (stage) => {
    stage.interfere('probeReadiness', 'hold before');
    await stage.provision();
    await stage.held('probeReadiness');
    await stage.remove();
    stage.letGo('probeReadiness');
    await stage.settled();
  },
  renewed: async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.continueAsNew();
    await stage.renewed();
    await stage.settled();
  },
  'taken-up': async (stage) => {
    const { birth } = await stage.provision();
    await stage.settled();
    await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).terminate('record');
    await stage.provision({ how: 'take up', birth });
    await stage.settled();
  },
};

const upgrade = (release: string): ChangeRequest => ({
  kind: 'upgrade',
  requestId: release,
  origin: 'test',
  place: { provider: 'local', host: 'local' },
  release,
  dev: true,
  retryFailed: false,
});

const replacements: typeof scenarios = {
  upgraded: async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.request(upgrade('2026.9.7'));
    await stage.settled();
  },
  'upgrade-running': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('probeReplacement', 'hold before');
    await stage.request(upgrade('2026.9.7'));
    await stage.held('probeReplacement');
  },
  'upgrade-went-back': async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.request(upgrade('2026.9.8-crashes'));
    await stage.settled();
  },
  'upgrade-removed': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('ensureSaved', 'hold after');
    await stage.request(upgrade('2026.9.7'));
    await stage.held('ensureSaved');
    await stage.remove();
    stage.letGo('ensureSaved');
    await stage.settled();
  },
  reshaped: async (stage) => {
    await stage.provision();
    await stage.settled();
    const place = { provider: 'local', host: 'local' } as const;
    await stage.request({ kind: 'change', requestId: 'more', origin: 'test', place, memoryMb: 4096 });
    await stage.settled();
  },
};

const only = new Set(process.argv.slice(3));
for (const [name, play] of Object.entries({ ...scenarios, ...replacements })) {
  if (only.size > 0 && !only.has(name)) continue;
  const stage = new DirectoryStage(ground);
  await play(stage);
  await saveBoth(stage, name);
  await stage.close();
}
await ground.close();
await server.stop();

/** Stack traces say where this machine keeps its files, and no replay reads them. */
function withoutStacks(json: string): string {
  return json.replaceAll(/"stackTrace": "(?:[^"\\]|\\.)*"/g, '"stackTrace": ""');
}
