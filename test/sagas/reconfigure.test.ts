import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import type { Channel } from '../../src/domain/channels/channel.js';
import { configFile } from '../../src/domain/gateway/config.js';
import { reconfigured, type Reconfiguration } from '../../src/domain/changes/reconfiguration.js';
import { Secret } from '../../src/domain/secret.js';
import { reconfigureSteps, reconfigure } from '../../src/workflows/reconfigure/operation.js';
import { proveChange } from './proofs/prove-change.js';
import { openTestWorld, testSpec } from '../world/open-test-world.js';
import { replaceFile } from '../world/directory-files.js';
import { ChangeStage } from './proofs/change-stage.js';
import { at } from './proofs/faults.js';
import type { FaultPlan } from './proofs/virtual-runtime.js';

const token = `123456789:${'A'.repeat(35)}`;
const telegram = (secret: string, ...allowFrom: string[]): Channel => ({
  kind: 'telegram',
  secrets: { botToken: `secret:${secret}` },
  allowFrom,
});
const to = (...channels: Channel[]): Reconfiguration => ({
  kind: 'reconfigure',
  to: { ...testSpec, channels },
  channels: true,
});

/** What the config said of channels when the change began, and when the container was started, by stage. */
const before = new WeakMap<ChangeStage, { readonly channels: unknown; readonly startedAt: string | undefined }>();

describe('reconfigure', () =>
  proveChange({
    operation: reconfigure,
    steps: reconfigureSteps,
    begin: async (stage) => {
      await store(stage);
      await run(stage, to(telegram('first', '@one', '@two')));
      before.set(stage, { channels: channelsOf(stage), startedAt: await startedAt(stage) });
      return to(telegram('second', '@two', '@three'));
    },
    isDone: async (stage) => {
      assert.deepEqual(channelsOf(stage), { telegram: rendered('B', '@two', '@three') });
      await neverStopped(stage);
    },
    isBack: async (stage) => {
      assert.deepEqual(sorted(channelsOf(stage)), sorted(before.get(stage)?.channels));
      await neverStopped(stage);
    },
  }));

describe('other channels', () => {
  it('that nobody names any more are gone, but for what a customer added', async () => {
    await onProvisioned(async (stage) => {
      await run(stage, to(telegram('first', '@one')));
      await run(stage, to());
      assert.deepEqual(channelsOf(stage), {});

      await run(stage, to(telegram('first', '@one')));
      const config = readConfig(stage);
      const theirs = { ...config.channels?.telegram, allowFrom: ['@one', '@theirs'], streaming: true };
      replaceFile(configPath(stage), JSON.stringify({ ...config, channels: { telegram: theirs } }));
      await run(stage, to());
      const kept = { enabled: false, dmPolicy: 'allowlist', allowFrom: ['@theirs'], streaming: true };
      assert.deepEqual(sorted(channelsOf(stage)), sorted({ telegram: kept }));
    });
  });

  it('whose token is refused go back to those that there were', async () => {
    await onProvisioned(async (stage) => {
      await run(stage, to(telegram('first', '@one')));
      const result = await stage.run(to(telegram('refused', '@one')), undefined, reconfigureSteps);
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^prove channels: channel telegram refused its token/);
      assert.deepEqual(channelsOf(stage), { telegram: rendered('A', '@one') });
    });
  });

  it('are taken up by a restart where the release takes nothing up while it runs, and boots for a while', async () => {
    await onProvisioned(async (stage) => {
      const started = await startedAt(stage);
      await takesNothingUp(stage);
      await run(stage, to(telegram('first', '@one', '@two')));
      await run(stage, to(telegram('second', '@two')));
      assert.deepEqual(channelsOf(stage), { telegram: rendered('B', '@two') });
      assert.notEqual(await startedAt(stage), started);
      await isKeptRunning(stage);
    });
  });

  it('that were taken up by a restart are not taken up by another one when that is asked for again', async () => {
    await onProvisioned(async (stage) => {
      await takesNothingUp(stage);
      let restarted: string | undefined;
      const lost = at('apply channels', 'do', 'lose the answer');
      const plan: FaultPlan = (step, doing, attempt) => {
        if (step === 'apply channels' && attempt === 2) restarted = fs.readFileSync(statePath(stage), 'utf8');
        return lost(step, doing, attempt);
      };
      const result = await stage.run(to(telegram('first', '@one')), plan);
      assert.equal(result.outcome, 'done', result.reason);
      assert.equal(fs.readFileSync(statePath(stage), 'utf8'), restarted);
      await isKeptRunning(stage);
    });
  });

  it('that were taken up by a restart and cannot be proved go back by a restart', async () => {
    await onProvisioned(async (stage) => {
      await takesNothingUp(stage);
      await run(stage, to(telegram('first', '@one')));
      const result = await stage.run(to(telegram('refused', '@two')));
      assert.equal(result.outcome, 'undone', result.reason);
      assert.match(result.reason, /^prove channels: channel telegram refused its token/);
      assert.deepEqual(channelsOf(stage), { telegram: rendered('A', '@one') });
      await stage.world.activities.findGateway(stage.gateway);
      await isKeptRunning(stage);
    });
  });

  it('that are refused before anything is touched name what is missing', async () => {
    const slack: Channel = {
      kind: 'slack',
      secrets: { botToken: 'secret:first', appToken: 'secret:first' },
      allowFrom: [],
    };
    await onProvisioned(async (stage) => {
      const text = fs.readFileSync(configPath(stage), 'utf8');
      for (const [channel, reason] of [
        [telegram('unknown'), /^check channels: no secret named unknown is stored/],
        [telegram('short'), /^check channels: channel telegram: the stored bot_token does not look like one/],
        [slack, /^check channels: image .* lacks the plugin of channel slack/],
      ] as const) {
        const result = await stage.run(to(channel), undefined, reconfigureSteps);
        assert.equal(result.outcome, 'undone');
        assert.match(result.reason, reason);
      }
      assert.equal(fs.readFileSync(configPath(stage), 'utf8'), text);
    });
  });
});

/** The release of the gateway takes no config up while it runs, and does not listen for a while after a start. */
async function takesNothingUp(stage: ChangeStage): Promise<void> {
  const labels = { 'creel.release': '2026.9.6', 'creel.plugins': 'telegram', 'creel.schema.state': '18' };
  stage.world.engine.addImage('creel/openclaw:2026.9.6', {
    id: `sha256:${'1'.repeat(64)}`,
    labels: { ...labels, 'test.boot': '300' },
  });
  await stage.world.activities.probeReadiness(stage.gateway);
}

async function isKeptRunning(stage: ChangeStage): Promise<void> {
  const container = await stage.world.engine.findContainer(stage.names.container);
  assert.equal(container?.state, 'running');
  assert.equal(container.restartPolicy, 'always');
}

async function run(stage: ChangeStage, change: Reconfiguration): Promise<void> {
  const result = await stage.run(change, undefined, reconfigureSteps);
  assert.equal(result.outcome, 'done', result.reason);
  stage.gateway = reconfigured({ ...stage.gateway, change });
}

async function store(stage: ChangeStage): Promise<void> {
  const { secrets } = stage.world.deps;
  await secrets.write('first', new Secret(token));
  await secrets.write('second', new Secret(token.replaceAll('A', 'B')));
  await secrets.write('refused', new Secret(`${token.slice(0, -7)}REFUSED`));
  await secrets.write('short', new Secret('123:abc'));
}

async function onProvisioned(play: (stage: ChangeStage) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const stage = new ChangeStage(world, { operation: reconfigure, steps: reconfigureSteps });
    await stage.provision();
    await store(stage);
    await play(stage);
  } finally {
    world.close();
  }
}

function rendered(letter: string, ...allowFrom: string[]) {
  return { enabled: true, botToken: token.replaceAll('A', letter), dmPolicy: 'allowlist', allowFrom };
}

type Config = { readonly channels?: { readonly telegram?: Record<string, unknown> } };

function readConfig(stage: ChangeStage): Config {
  return JSON.parse(fs.readFileSync(configPath(stage), 'utf8')) as Config;
}

function channelsOf(stage: ChangeStage): unknown {
  return readConfig(stage).channels;
}

/** Lists of senders have no order. */
function sorted(channels: unknown): unknown {
  return JSON.parse(JSON.stringify(channels ?? {}), (_key, value: unknown) =>
    Array.isArray(value) ? value.map(String).toSorted() : value,
  );
}

function configPath(stage: ChangeStage): string {
  return path.join(stage.world.root, 'files', stage.names.volume, configFile);
}

/** What changes in the gateway's container, whenever it is started or told something. */
function statePath(stage: ChangeStage): string {
  const found = stage.world.engine.containers().find(({ name }) => name === stage.names.container);
  return path.join(stage.world.root, 'states', `${encodeURIComponent(found?.id ?? '')}.json`);
}

async function startedAt(stage: ChangeStage): Promise<string | undefined> {
  return (await stage.world.engine.findContainer(stage.names.container))?.startedAt;
}

async function neverStopped(stage: ChangeStage): Promise<void> {
  assert.equal(await startedAt(stage), before.get(stage)?.startedAt);
}
