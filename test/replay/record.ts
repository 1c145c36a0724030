import fs from 'node:fs';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { FleetPlan } from '../../src/domain/fleet/fleet.js';
import { createKey, nextKeyFile, openKey } from '../../src/settings/key-file.js';
import { fleetStatusQuery, fleetWordUpdate, type FleetInput } from '../../src/wire/fleet.js';
import { fleetWorkflowId, gatewayWorkflowId } from '../../src/wire/ids.js';
import { continueAsNewSignal, replyUpdate } from '../../src/wire/messages.js';
import type { ParkAnswer } from '../../src/wire/park.js';
import type { ChangeRequest, PairRequest } from '../../src/wire/change-requests.js';
import { DirectoryGround } from '../temporal/directory-ground.js';
import { DirectoryStage } from '../temporal/directory-stage.js';
import { shortLimits } from '../temporal/stage.js';
import { TestServer } from '../temporal/server.js';
import { DirectoryDevice } from '../world/directory-device.js';
import { testKeyHex, testSpec } from '../world/open-test-world.js';
import { layKey } from '../world/test-keys.js';

/**
 * Records the histories that every later version must replay: `node dist/test/replay/record.js DIRECTORY [SCENARIO…]`, once per
 * released version of the workflows, never to be edited. Closed ones, and open ones: idle, running, parked, unwinding.
 */
const [directory = '', ...wanted] = process.argv.slice(2);
if (directory === '' || fs.existsSync(directory))
  throw new Error('name a new directory: recorded histories are never overwritten');
fs.mkdirSync(directory, { recursive: true });

const server = await TestServer.start();
const ground = new DirectoryGround(server);
await ground.startWorker();
const waiting = { ...testSpec, parkMs: 3_600_000 };
const place = { provider: 'local', host: 'local' } as const;
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

const devices: DirectoryDevice[] = [];

/** A ready gateway, and a device that knocks at it; when the pairing is over or recorded, it is told to stop. */
async function pairing(stage: DirectoryStage, scopes: string[], extra: Partial<PairRequest> = {}): Promise<string> {
  const { birth } = await stage.provision({ spec: waiting });
  await stage.settled();
  const device = new DirectoryDevice(ground.world.root, { scopes });
  const container = `oc-${stage.id}-${birth}`;
  devices.push(device);
  device.knock(container);
  if (extra.waitMs === undefined) void device.keepKnocking(container);
  const wanted = { deviceId: device.id };
  const wish = { kind: 'pair', wanted, role: 'operator', scopes: [], waitMs: 20_000 } as const;
  await stage.request({ ...wish, requestId: 'pair', origin: 'record', place, ...extra });
  return device.id;
}

/** The world has a next key from now on; answers its id. */
function withNextKey(): string {
  const file = layKey(ground.root, testKeyHex);
  createKey(nextKeyFile(file));
  return openKey(nextKeyFile(file)).id;
}

async function say(stage: DirectoryStage, answer: ParkAnswer): Promise<void> {
  const { park } = await stage.until(({ phase }) => phase === 'parked');
  const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
  await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer, origin: 'record' }] });
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
  paired: async (stage) => {
    await pairing(stage, ['operator.read']);
    await stage.settled();
  },
  'pairing-waits': async (stage) => {
    stage.interfere('probePaired', 'hold before');
    await pairing(stage, ['operator.read']);
    await stage.held('probePaired');
  },
  'pairing-parked': async (stage) => {
    await pairing(stage, ['operator.admin']);
    await stage.until(({ phase }) => phase === 'parked');
  },
  'pairing-allowed': async (stage) => {
    await pairing(stage, ['operator.admin']);
    await say(stage, 'allow');
    await stage.settled();
  },
  'pairing-undone': async (stage) => {
    await pairing(stage, ['operator.read'], { waitMs: 1_000 });
    await stage.settled();
  },
  unpaired: async (stage) => {
    const deviceId = await pairing(stage, ['operator.read']);
    await stage.settled();
    await stage.request({ kind: 'unpair', deviceId, requestId: 'unpair', origin: 'record', place });
    await stage.settled();
  },
  denied: async (stage) => {
    const deviceId = await pairing(stage, ['operator.read'], { waitMs: 1_000 });
    await stage.settled();
    await stage.request({ kind: 'deny', deviceId, requestId: 'deny', origin: 'record', place });
    await stage.settled();
  },
  'taken-up': async (stage) => {
    const { birth } = await stage.provision();
    await stage.settled();
    await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).terminate('record');
    await stage.provision({ how: 'take up', birth });
    await stage.settled();
  },
  rotated: async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.rotate();
    await stage.settled();
  },
  rotating: async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('probeToken', 'hold before');
    await stage.rotate();
    await stage.held('probeToken');
  },
  'rotated-back': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('probeRefusal', 'fail');
    await stage.rotate();
    await stage.settled();
  },
  'rotation-unwinding': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('probeRefusal', 'fail');
    stage.interfere('restoreToken', 'hold before');
    await stage.rotate();
    await stage.held('restoreToken');
  },
  'rotation-lost': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('probeToken', 'hold before');
    const { workflowId } = await stage.rotate();
    await stage.held('probeToken');
    await (await stage.client()).workflow.getHandle(workflowId).terminate('record');
    stage.letGo('probeToken');
    await stage.until(({ last }) => last?.kind === 'way-back');
    await stage.settled();
  },
  'key-rotated': async (stage) => {
    const next = withNextKey();
    await stage.provision();
    await stage.settled();
    await stage.rotate({ keyId: next });
    await stage.settled();
  },
  'key-rotated-back': async (stage) => {
    const next = withNextKey();
    await stage.provision();
    await stage.settled();
    stage.interfere('findStrangers', 'fail');
    await stage.rotate({ keyId: next });
    await stage.settled();
  },
  evicted: async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.rotate({ evict: true });
    await stage.settled();
  },
  'evicted-listed': async (stage) => {
    const { birth } = await stage.provision();
    await stage.settled();
    new DirectoryDevice(ground.world.root).pair(`oc-${stage.id}-${birth}`);
    await stage.rotate({ evict: true });
    await stage.settled();
  },
};

const upgrade = (release: string): ChangeRequest => ({
  kind: 'upgrade',
  requestId: release,
  origin: 'test',
  place,
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
  'rolled-back': async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.request(upgrade('2026.9.7'));
    await stage.settled();
    await stage.request({ kind: 'rollback', requestId: 'back', origin: 'test', place });
    await stage.until(({ last }) => last?.kind === 'drop-snapshot');
    await stage.settled();
  },
  'upgraded-briefly': async (stage) => {
    await stage.provision({ spec: { ...testSpec, keepFormerMs: 0 } });
    await stage.settled();
    await stage.request(upgrade('2026.9.7'));
    await stage.until(({ last }) => last?.kind === 'drop-snapshot');
    await stage.settled();
  },
  reconfigured: async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.request({ kind: 'change', requestId: 'none', origin: 'test', place, channels: [] });
    await stage.settled();
    await stage.request({ kind: 'change', requestId: 'terms', origin: 'test', place, rotation: 'scheduled' });
    await stage.settled();
  },
  'reconfigure-running': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('ensureChannels', 'hold before');
    await stage.request({ kind: 'change', requestId: 'none', origin: 'test', place, channels: [] });
    await stage.held('ensureChannels');
  },
  reshaped: async (stage) => {
    await stage.provision();
    await stage.settled();
    await stage.request({ kind: 'change', requestId: 'more', origin: 'test', place, memoryMb: 4096 });
    await stage.settled();
  },
};

/** An upgraded gateway whose record was terminated, taken up again. */
async function upgradedAndLost(stage: DirectoryStage): Promise<void> {
  const { birth } = await stage.provision();
  await stage.settled();
  await stage.request(upgrade('2026.9.7'));
  await stage.settled();
  await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).terminate('record');
  await stage.provision({ how: 'take up', birth, spec: { ...testSpec, release: '2026.9.7' } });
  await stage.settled();
}

/** Removed by an undo of which the first attempt timed out, and asked for again. */
async function restoredAtOnce(stage: DirectoryStage): Promise<void> {
  await stage.provision({ spec: kept });
  await stage.settled();
  stage.interfere('removeContainer', 'hold before');
  await stage.remove();
  await stage.held('removeContainer');
  await new Promise((resolve) => setTimeout(resolve, shortLimits.undoMs + 1_000));
  stage.letGo('removeContainer');
  await stage.settled();
  await stage.provision({ spec: kept, how: 'restore' });
}

const interrupted: typeof scenarios = {
  'upgrade-rehearsing': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('ensureRehearsal', 'hold before');
    await stage.request(upgrade('2026.9.7'));
    await stage.held('ensureRehearsal');
  },
  'upgrade-unwinding': async (stage) => {
    await stage.provision();
    await stage.settled();
    stage.interfere('probeDevices', 'fail');
    stage.interfere('restoreAside', 'hold before');
    await stage.request(upgrade('2026.9.7'));
    await stage.held('restoreAside');
  },
  'upgrade-parked': async (stage) => {
    await stage.provision({ spec: waiting });
    await stage.settled();
    stage.interfere('probeDevices', 'fail');
    stage.interfere('removeReplacement', 'fail');
    await stage.request(upgrade('2026.9.7'));
    await stage.until(({ phase }) => phase === 'parked');
  },
  'way-back-removed': async (stage) => {
    await stage.provision({ spec: kept });
    await stage.settled();
    stage.interfere('probeReplacement', 'hold before');
    stage.interfere('restoreAside', 'hold before');
    const { workflowId } = await stage.request(upgrade('2026.9.7'));
    await stage.held('probeReplacement');
    await (await stage.client()).workflow.getHandle(workflowId).terminate('record');
    stage.letGo('probeReplacement');
    await stage.held('restoreAside');
    await stage.remove();
    stage.letGo('restoreAside');
    await stage.settled();
  },
  'taken-up-saved': async (stage) => {
    await upgradedAndLost(stage);
  },
  'taken-up-evicted': async (stage) => {
    await upgradedAndLost(stage);
    await stage.rotate({ evict: true });
    await stage.until(({ last }) => last?.kind === 'drop-snapshot');
    await stage.settled();
  },
  held: async (stage) => {
    await restoredAtOnce(stage);
    await stage.until((found) => found.held !== undefined);
  },
  'held-removed': async (stage) => {
    await restoredAtOnce(stage);
    await stage.until((found) => found.held !== undefined);
    await stage.remove({ purge: true });
    await stage.settled();
  },
  'held-restored': async (stage) => {
    await restoredAtOnce(stage);
    await stage.settled();
  },
  'drop-failed': async (stage) => {
    stage.interfere('ensureDropped', 'fail');
    await stage.provision({ spec: { ...testSpec, keepFormerMs: 0 } });
    await stage.settled();
    await stage.request(upgrade('2026.9.7'));
    await stage.until(({ last }) => last?.kind === 'drop-snapshot');
    await stage.settled();
  },
};

const scheduled = { ...testSpec, rotation: 'scheduled' } as const;

/** A run over the fleet of the three gateways, as far as the second one, which is held; answers that one. */
async function rotateFleet(stages: readonly DirectoryStage[], run: string, plan: FleetPlan): Promise<DirectoryStage> {
  const client = await stages[0]?.client();
  if (!client) throw new Error('a fleet has gateways');
  const limits = { ...shortLimits, fleetPage: 2 };
  const input: FleetInput = { layout: 1, run, origin: 'record', plan, limits };
  const workflowId = fleetWorkflowId(run);
  const handle = await client.workflow.start('rotateFleet', { workflowId, taskQueue: ground.queue, args: [input] });
  for (;;) {
    const { ends, open } = await handle.query(fleetStatusQuery);
    const held = stages.find(({ id }) => id === open[0]);
    if (ends.some(({ end }) => end === 'done') && held) return held;
    if (held && !ends.some(({ end }) => end === 'done')) held.letGo('ensureToken');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const fleets: Record<string, (stages: readonly DirectoryStage[], run: string) => Promise<void>> = {
  'fleet-running': async (stages, run) => {
    await (await rotateFleet(stages, run, one)).held('ensureToken');
  },
  'fleet-paused': async (stages, run) => {
    const held = await rotateFleet(stages, run, one);
    await tell(held, run, 'pause');
    held.letGo('ensureToken');
    await held.settled();
  },
  'fleet-aborted': async (stages, run) => {
    const held = await rotateFleet(stages, run, one);
    await tell(held, run, 'abort');
    held.letGo('ensureToken');
    await ended(held, run);
  },
  'fleet-stopped': async (stages, run) => {
    const held = await rotateFleet(stages, run, { ...one, maxFailed: 0 });
    for (const each of stages) each.interfere('ensureToken', 'fail');
    await ended(held, run);
  },
  'fleet-renewed': async (stages, run) => {
    const held = await rotateFleet(stages, run, one);
    await (await held.client()).workflow.getHandle(fleetWorkflowId(run)).signal(continueAsNewSignal);
    for (const each of stages) each.letGo('ensureToken');
    await ended(held, run);
  },
};

const one: FleetPlan = { window: 1, maxFailed: 1, beginWithinMs: 60_000 };

async function tell(stage: DirectoryStage, run: string, word: 'pause' | 'abort'): Promise<void> {
  const handle = (await stage.client()).workflow.getHandle(fleetWorkflowId(run));
  await handle.executeUpdate(fleetWordUpdate, { args: [{ word, origin: 'record' }] });
}

/** Waits for the end of a run, whatever it is. */
async function ended(stage: DirectoryStage, run: string): Promise<void> {
  const handle = (await stage.client()).workflow.getHandle(fleetWorkflowId(run));
  await handle.result().catch(() => undefined); // Stopped and aborted ones fail, which is what is recorded.
}

const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);

for (const [name, play] of Object.entries({ ...scenarios, ...replacements, ...interrupted })) {
  if (!isWanted(name)) continue;
  const stage = new DirectoryStage(ground);
  await play(stage);
  await saveBoth(stage, name);
  await stage.close();
}
for (const [name, play] of Object.entries(fleets)) {
  if (!isWanted(name)) continue;
  const stages = [1, 2, 3].map(() => new DirectoryStage(ground));
  for (const stage of stages) {
    await stage.provision({ spec: scheduled });
    await stage.settled();
    stage.interfere('ensureToken', 'hold before');
  }
  await play(stages, name);
  const [first] = stages;
  if (first) await save(first, name, fleetWorkflowId(name));
  for (const stage of stages) {
    const { workflowId } = await stage.remove(); // The next fleet is another one.
    stage.letGo('ensureToken');
    await stage.result(workflowId);
  }
  if (first)
    await (
      await first.client()
    ).workflow
      .getHandle(fleetWorkflowId(name))
      .terminate()
      .catch(() => undefined); // Most have ended.
  for (const stage of stages) await stage.close();
}
for (const device of devices) device.stop();
await ground.close();
await server.stop();

/** Stack traces say where this machine keeps its files, and no replay reads them. */
function withoutStacks(json: string): string {
  return json.replaceAll(/"stackTrace": "(?:[^"\\]|\\.)*"/g, '"stackTrace": ""');
}
