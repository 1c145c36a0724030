import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import type { Channel } from '../../../src/domain/channels/channel.js';
import { configFile } from '../../../src/domain/gateway/config.js';
import { tokenReference, tokensFile } from '../../../src/domain/channels/tokens.js';
import { previousTokensFile } from '../../../src/domain/keys/previous-keys.js';
import { takenBackFile } from '../../../src/domain/keys/taken-back.js';
import { writtenFile } from '../../../src/domain/gateway/written-config.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { reconfigured, type Reconfiguration } from '../../../src/domain/changes/reconfiguration.js';
import { Secret } from '../../../src/domain/secret.js';
import { reconfigureSteps, reconfigure } from '../../../src/workflows/reconfigure/operation.js';
import { proveChange } from '../proofs/prove-change.js';
import { openTestWorld, testSpec } from '../../world/open-test-world.js';
import { replaceFile } from '../../world/directory-files.js';
import { ChangeStage } from '../proofs/change-stage.js';
import { at } from '../proofs/faults.js';
import type { FaultPlan } from '../proofs/virtual-runtime.js';

const token = `123456789:${'A'.repeat(35)}`;
const telegram = (secret: string, ...allowFrom: string[]): Channel => ({
  kind: 'telegram',
  secrets: { botToken: `secret:${secret}` },
  allowFrom,
});
const to = (...channels: Channel[]): Reconfiguration => numbered(7, ...channels);
const numbered = (number: number, ...channels: Channel[]): Reconfiguration => ({
  kind: 'reconfigure',
  to: { ...testSpec, channels },
  channels: true,
  number,
});
const refused = `${token.slice(0, -7)}REFUSED`;
const lettered = (letter: string) => token.replaceAll('A', letter);
const given = (letter: string) => ({ 'telegram.botToken': lettered(letter) });

/** What the config said of channels when the change began, and when the container was started, by stage. */
const before = new WeakMap<ChangeStage, { readonly channels: unknown; readonly startedAt: string | undefined }>();

/** Whether a gateway goes on running for it is what the two ways differ in. */
const ways = [
  ['while it runs', async (_stage: ChangeStage) => {}, neverStopped],
  ['by a restart', (stage: ChangeStage) => takesNothingUp(stage, '0'), isKeptRunning],
] as const;

describe.each(ways)('reconfigure %s', (_way, prepare, isRight) =>
  proveChange({
    operation: reconfigure,
    steps: reconfigureSteps,
    begin: async (stage) => {
      await store(stage);
      await prepare(stage);
      await run(stage, numbered(5, telegram('first', '@one', '@two')));
      before.set(stage, { channels: channelsOf(stage), startedAt: await startedAt(stage) });
      await stage.world.deps.secrets.write('first', new Secret(lettered('B')));
      return to(telegram('first', '@two', '@three'));
    },
    isDone: async (stage) => {
      assert.deepEqual(channelsOf(stage), { telegram: rendered('@two', '@three') });
      await runsWith(stage, 'B');
      await isRight(stage);
    },
    isBack: async (stage) => {
      assert.deepEqual(sorted(channelsOf(stage)), sorted(before.get(stage)?.channels));
      await runsWith(stage, 'A');
      await isRight(stage);
    },
  }),
);

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
      const result = await stage.run(numbered(8, telegram('refused', '@one')), undefined, reconfigureSteps);
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^prove channels: channel telegram refused its token/);
      assert.deepEqual(channelsOf(stage), { telegram: rendered('@one') });
      await runsWith(stage, 'A');
    });
  });

  it('are taken up by a restart where the release takes nothing up while it runs, and boots for a while', async () => {
    await onProvisioned(async (stage) => {
      const started = await startedAt(stage);
      await takesNothingUp(stage);
      await run(stage, to(telegram('first', '@one', '@two')));
      await run(stage, to(telegram('second', '@two')));
      assert.deepEqual(channelsOf(stage), { telegram: rendered('@two') });
      await runsWith(stage, 'B');
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
      const result = await stage.run(numbered(8, telegram('refused', '@two')));
      assert.equal(result.outcome, 'undone', result.reason);
      assert.match(result.reason, /^prove channels: channel telegram refused its token/);
      assert.deepEqual(channelsOf(stage), { telegram: rendered('@one') });
      await runsWith(stage, 'A');
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

/** The config as an older creel left it: the token stands in it, and there is no file. */
function asOlderCreel(stage: ChangeStage, letter: string, ...allowFrom: string[]): void {
  const { secrets: _file, ...config } = JSON.parse(textOf(stage, configFile));
  const { mine, telegram: block } = config.channels;
  const channels = { ...(mine && { mine }), telegram: { ...block, botToken: lettered(letter), allowFrom } };
  replaceFile(configPath(stage), JSON.stringify({ ...config, channels }));
  fs.rmSync(path.join(path.dirname(configPath(stage)), tokensFile));
  stage.world.engine.crash(stage.names.container);
}

async function startAgain(stage: ChangeStage): Promise<void> {
  const { id = '' } = (await stage.world.engine.findContainer(stage.names.container)) ?? {};
  await stage.world.engine.startContainer(id);
}

async function repaired(stage: ChangeStage): Promise<string> {
  const { change: _none, ...gateway } = { ...stage.gateway, change: undefined };
  return (await stage.world.activities.ensureConfig(gateway)) ?? '';
}

describe('the tokens of channels (S1-30)', () => {
  const way = [
    ['while it runs', async () => {}],
    ['by a restart', (stage: ChangeStage) => takesNothingUp(stage)],
  ] as const;

  it.each(way)(
    'that are refused go back to the very ones that there were, and stay out of a repair: %s',
    (_way, prepare) =>
      onProvisioned(async (stage) => {
        await prepare(stage);
        await run(stage, to(telegram('first', '1')));
        await stage.world.deps.secrets.write('first', new Secret(refused));
        const result = await stage.run(numbered(8, telegram('first', '1')), undefined, reconfigureSteps);
        assert.equal(result.outcome, 'undone', result.reason);
        assert.match(result.reason, /^prove channels: channel telegram refused its token/);
        await runsWith(stage, 'A');
        for (const name of [takenBackFile, previousTokensFile]) assert.doesNotMatch(textOf(stage, name), /123456789:/);
        const stays =
          /channel telegram keeps the bot_token that it had: the stored first .*`creel change g42 --channels/;
        assert.match(await repaired(stage), stays);
        stage.world.engine.crash(stage.names.container);
        assert.match(await repaired(stage), stays, 'and so before a start');
        await startAgain(stage);
        await stage.world.activities.probeReadiness(stage.gateway);
        await stage.world.activities.probeChannels(stage.gateway);
        await runsWith(stage, 'A');
        await stage.world.deps.secrets.write('first', new Secret(lettered('B')));
        assert.match(await repaired(stage), /the stored tokens of its channels taken up$/);
        await stage.world.activities.probeReadiness(stage.gateway);
        await runsWith(stage, 'B');
      }),
  );

  it('that are stored by now come in by a change of channels alone: a restart for another reason keeps those in force', () =>
    onProvisioned(async (stage) => {
      await takesNothingUp(stage, '0');
      await run(stage, to(telegram('first', '1')));
      const started = await startedAt(stage);
      await stage.world.deps.secrets.write('first', new Secret(refused));
      const turned = { nextTokenGeneration: 2, nextDeviceGeneration: 1, reclaim: false, evict: false, approved: [] };
      const rotated = await stage.carryOut({ kind: 'rotate', ...turned });
      assert.equal(rotated.outcome, 'done', rotated.reason);
      stage.gateway = { ...stage.gateway, tokenGeneration: 2 };
      assert.notEqual(await startedAt(stage), started);
      await runsWith(stage, 'A');
      const configured: Reconfiguration = {
        kind: 'reconfigure',
        to: { ...stage.gateway.spec, config: { ui: { seamColor: '#1' } } },
        channels: false,
        config: true,
      };
      const result = await stage.carryOut(configured);
      assert.equal(result.outcome, 'done', result.reason);
      await runsWith(stage, 'A');
    }));

  it('of a channel that is taken out come back with the way back of whatever restarted for it first', () =>
    onProvisioned(async (stage) => {
      await takesNothingUp(stage, '0');
      await run(stage, to(telegram('first', '1')));
      await stage.world.deps.secrets.remove('first');
      const spec = { ...stage.gateway.spec, channels: [], config: { ui: { seamColor: '#1' } } };
      const change: Reconfiguration = { kind: 'reconfigure', to: spec, channels: true, number: 8, config: true };
      for (const step of ['apply config', 'apply channels', 'read reconfigured']) {
        const plan = at(step, 'do', step === 'apply config' ? 'refuse after' : 'refuse before');
        const result = await stage.run(change, plan, reconfigure.list(change));
        assert.equal(result.outcome, 'undone', result.reason);
        await runsWith(stage, 'A');
      }
    }));

  it('that a repair wrote which was cut off before it told the gateway are taken up by the next one', () =>
    onProvisioned(async (stage) => {
      await run(stage, to(telegram('first', '1')));
      await stage.world.deps.secrets.write('first', new Secret(lettered('B')));
      replaceFile(path.join(path.dirname(configPath(stage)), tokensFile), `${JSON.stringify(given('B'))}\n`);
      assert.deepEqual(tokensOf(stage), given('A'));
      assert.equal(await repaired(stage), '');
      await runsWith(stage, 'B');
    }));

  it('that the gateway does not read are not taken for taken up, though it goes on with those before', () =>
    onProvisioned(async (stage) => {
      await run(stage, to(telegram('first', '1')));
      await stage.world.deps.secrets.write('first', new Secret(lettered('B')));
      const { deps } = stage.world;
      const file = path.join(path.dirname(configPath(stage)), tokensFile);
      const door: typeof deps.door = new Proxy(deps.door, {
        get: (of, name) => {
          const found: unknown = Reflect.get(of, name);
          if (typeof found !== 'function') return found;
          return (...args: unknown[]) => {
            if (JSON.stringify(args).includes('secrets.reload')) replaceFile(file, '{}');
            return Reflect.apply(found, of, args) as unknown;
          };
        },
      });
      const change = numbered(8, telegram('first', '1'));
      const told = createActivities({ ...deps, door }).ensureChannels({ ...stage.gateway, change });
      await assert.rejects(told, /does not read the token of telegram in secrets\/channel-tokens.json/);
      assert.deepEqual(tokensOf(stage), given('A'));
    }));

  it('are read beside an account that a customer has named, which stays as it is', () =>
    onProvisioned(async (stage) => {
      const second = { telegram: { enabled: false, accounts: { second: { enabled: false, botToken: 'theirs' } } } };
      const config = JSON.parse(textOf(stage, configFile));
      replaceFile(configPath(stage), JSON.stringify({ ...config, channels: second }));
      await run(stage, to(telegram('first', '1')));
      assert.deepEqual(tokensOf(stage), given('A'));
      await run(stage, numbered(8));
      const left = { ...second.telegram, dmPolicy: 'allowlist', allowFrom: [] };
      assert.deepEqual(channelsOf(stage), { telegram: left });
    }));

  it('that are taken away are out of the config, out of the file and out of the gateway', () =>
    onProvisioned(async (stage) => {
      await run(stage, to(telegram('first', '1')));
      await run(stage, numbered(8));
      assert.deepEqual(tokensOf(stage), {});
      for (const name of [configFile, tokensFile, previousTokensFile])
        assert.doesNotMatch(textOf(stage, name), /123456789:/);
      assert.doesNotMatch(textOf(stage, configFile), /creel-channels/);
    }));

  it('that an older creel wrote into the config are in the file after a repair, with what a customer has added', () =>
    onProvisioned(async (stage) => {
      await run(stage, to(telegram('first', '1')));
      asOlderCreel(stage, 'A', '1', '77');
      await startAgain(stage);
      assert.deepEqual(tokensOf(stage), given('A'));
      assert.match(await repaired(stage), /put right: .*channels.* as the spec says/);
      await neverStoppedSince(stage, startedAt(stage), async () => assert.equal(await repaired(stage), ''));
      await runsWith(stage, 'A');
      assert.deepEqual(channelsOf(stage), { telegram: rendered('1', '77') });
    }));

  it.each(way)(
    'that an older creel wrote into the config go over with a change, and back to the same: %s',
    (_way, prepare) =>
      onProvisioned(async (stage) => {
        await prepare(stage);
        await run(stage, to(telegram('first', '1')));
        asOlderCreel(stage, 'A', '1', '77');
        await startAgain(stage);
        await stage.world.activities.probeReadiness(stage.gateway);
        await stage.world.deps.secrets.write('first', new Secret(refused));
        const result = await stage.run(numbered(8, telegram('first', '1')), undefined, reconfigureSteps);
        assert.match(result.reason, /^prove channels: channel telegram refused its token/);
        assert.equal(result.outcome, 'undone', result.reason);
        await runsWith(stage, 'A');
        assert.deepEqual(channelsOf(stage), { telegram: rendered('1', '77') });
      }),
  );

  it('that an older creel wrote go over in a restart for another reason, and are those in force', () =>
    onProvisioned(async (stage) => {
      await takesNothingUp(stage, '0');
      await run(stage, to(telegram('first', '1')));
      asOlderCreel(stage, 'A', '1');
      await startAgain(stage);
      await stage.world.deps.secrets.write('first', new Secret(refused));
      const turned = { nextTokenGeneration: 2, nextDeviceGeneration: 1, reclaim: false, evict: false, approved: [] };
      const rotated = await stage.carryOut({ kind: 'rotate', ...turned });
      assert.equal(rotated.outcome, 'done', rotated.reason);
      await runsWith(stage, 'A');
    }));

  it('of a change that an older creel began go back to what is stored, as it did', () =>
    onProvisioned(async (stage) => {
      const { number: _none, ...older } = to(telegram('first', '1'));
      assert.equal((await stage.run(older, undefined, reconfigureSteps)).outcome, 'done');
      stage.gateway = reconfigured({ ...stage.gateway, change: older });
      const { number: _neither, ...next } = to(telegram('refused', '1'));
      assert.equal((await stage.run(next, undefined, reconfigureSteps)).outcome, 'undone');
      await runsWith(stage, 'A');
    }));
});

async function neverStoppedSince(
  stage: ChangeStage,
  since: Promise<string | undefined>,
  play: () => Promise<void>,
): Promise<void> {
  const started = await since;
  await play();
  assert.equal(await startedAt(stage), started);
}

/** The release of the gateway takes no config up while it runs, and does not listen for a while after a start. */
async function takesNothingUp(stage: ChangeStage, bootMs = '300'): Promise<void> {
  const labels = { 'creel.release': '2026.9.6', 'creel.plugins': 'telegram', 'creel.schema.state': '18' };
  stage.world.engine.addImage('creel/openclaw:2026.9.6', {
    id: `sha256:${'1'.repeat(64)}`,
    labels: { ...labels, 'test.boot': bootMs },
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
  await secrets.write('refused', new Secret(refused));
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

function rendered(...allowFrom: string[]) {
  return { enabled: true, botToken: tokenReference('telegram', 'botToken'), dmPolicy: 'allowlist', allowFrom };
}

const textOf = (stage: ChangeStage, name: string) =>
  fs.readFileSync(path.join(stage.world.root, 'files', stage.names.volume, name), 'utf8');

const tokensOf = (stage: ChangeStage) => DirectoryGateway.within(stage.world.root, stage.names.container).channelTokens;

/** The token with which a gateway's channel runs, which stands in the file of tokens and nowhere else. */
async function runsWith(stage: ChangeStage, letter: string): Promise<void> {
  assert.deepEqual(tokensOf(stage), given(letter));
  assert.deepEqual(JSON.parse(textOf(stage, tokensFile)), given(letter));
  for (const name of [configFile, writtenFile]) assert.doesNotMatch(textOf(stage, name), /123456789:/);
  assert.doesNotMatch(JSON.stringify(stage.world.engine.containers()), /123456789:/);
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
