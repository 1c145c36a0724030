import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { reconfigured, type Reconfiguration } from '../../../src/domain/changes/reconfiguration.js';
import type { Extras } from '../../../src/domain/extras/extras.js';
import { configFile } from '../../../src/domain/gateway/config.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { writtenFile } from '../../../src/domain/gateway/written-config.js';
import { Secret } from '../../../src/domain/secret.js';
import { reconfigure } from '../../../src/workflows/reconfigure/operation.js';
import { replaceFile } from '../../world/directory-files.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { imageOf, openTestWorld, testRelease, testSpec } from '../../world/open-test-world.js';
import { ownModels } from '../../world/own-models.js';
import { ChangeStage } from '../proofs/change-stage.js';
import { at as failing } from '../proofs/faults.js';
import { proveChange } from '../proofs/prove-change.js';

const first: Extras = {
  tools: { deny: ['browser', 'nodes'] },
  session: { idleMinutes: 30 },
  logging: { level: 'info' },
};
const next: Extras = { tools: { deny: ['nodes', 'canvas'] }, session: { idleMinutes: 60 } };
const server: Extras = { ...next, gateway: { http: { timeoutMs: 1000 } } };

const to = (config: Extras | undefined, more: Partial<GatewaySpec> = {}): Reconfiguration => ({
  kind: 'reconfigure',
  to: { ...testSpec, ...(config && { config }), ...more },
  channels: false,
  config: true,
});
const lists = { operation: reconfigure, steps: reconfigure.list(to(first)) };

const stateFile = (stage: ChangeStage, name: string) => path.join(stage.world.root, 'files', stage.names.volume, name);
const textOf = (stage: ChangeStage, name = configFile) => fs.readFileSync(stateFile(stage, name), 'utf8');
const configOf = (stage: ChangeStage): Record<string, unknown> => JSON.parse(textOf(stage));
const edit = (stage: ChangeStage, change: (config: Record<string, unknown>) => object) =>
  replaceFile(stateFile(stage, configFile), JSON.stringify({ ...configOf(stage), ...change(configOf(stage)) }));
const startOf = async (stage: ChangeStage) =>
  (await stage.world.engine.findContainer(stage.names.container))?.startedAt;

/** What the config says beside what creel owns of every gateway. */
function beside(stage: ChangeStage): unknown {
  const { gateway, agents: _agents, ...others } = configOf(stage);
  const { http } = gateway as { http?: unknown };
  delete others['channels'];
  delete others['update'];
  return { ...others, ...(http !== undefined && { http }) };
}

async function run(stage: ChangeStage, change: Reconfiguration): Promise<void> {
  const result = await stage.run(change, undefined, reconfigure.list(change));
  assert.equal(result.outcome, 'done', result.reason);
  stage.gateway = reconfigured({ ...stage.gateway, change });
}

const before = new WeakMap<ChangeStage, { readonly said: unknown; readonly startedAt: string | undefined }>();

async function beginWithOwner(stage: ChangeStage): Promise<void> {
  await run(stage, to(first));
  edit(stage, () => ({ tools: { deny: ['browser', 'nodes', 'own'], profile: 'own' }, ui: { seamColor: '#1' } }));
  before.set(stage, { said: beside(stage), startedAt: await startOf(stage) });
}

describe('a change of [config] that the release takes up while it runs (S0-12)', () =>
  proveChange({
    ...lists,
    begin: async (stage) => {
      await beginWithOwner(stage);
      return to(next);
    },
    isDone: async (stage) => {
      assert.deepEqual(beside(stage), {
        tools: { deny: ['nodes', 'own', 'canvas'], profile: 'own' },
        session: { idleMinutes: 60 },
        ui: { seamColor: '#1' },
      });
      assert.equal(await startOf(stage), before.get(stage)?.startedAt);
    },
    isBack: async (stage) => {
      assert.deepEqual(sortedLists(beside(stage)), sortedLists(before.get(stage)?.said));
      assert.equal(await startOf(stage), before.get(stage)?.startedAt);
    },
  }));

describe('a change of [config] for which the release restarts', () =>
  proveChange({
    ...lists,
    begin: async (stage) => {
      await beginWithOwner(stage);
      return to(server);
    },
    isDone: async (stage) => {
      assert.deepEqual((beside(stage) as { http: unknown }).http, { timeoutMs: 1000 });
      assert.notEqual(await startOf(stage), before.get(stage)?.startedAt);
      assert.equal((await stage.world.engine.findContainer(stage.names.container))?.restartPolicy, 'always');
    },
    isBack: async (stage) => assert.deepEqual(sortedLists(beside(stage)), sortedLists(before.get(stage)?.said)),
  }));

/** A list that went and came back has its entries, in whatever order. */
function sortedLists(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(sortedLists).toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sortedLists(each)]));
}

async function onStage(play: (stage: ChangeStage) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const stage = new ChangeStage(world, lists);
    await stage.provision();
    await play(stage);
  } finally {
    world.close();
  }
}

describe('[config]', () => {
  it('that is taken out is out of the gateway, and what its owner set beside it stays', () =>
    onStage(async (stage) => {
      const bare = configOf(stage);
      await run(stage, to(first));
      edit(stage, () => ({ logging: { level: 'debug' } }));
      await run(stage, to(undefined));
      assert.deepEqual(configOf(stage), { ...bare, logging: { level: 'debug' } });
      assert.doesNotMatch(textOf(stage, writtenFile), /config/);
    }));

  it('that the release does not start with is refused on a copy, and nothing was touched (S0-28)', () =>
    onStage(async (stage) => {
      await run(stage, to(first));
      const [text, startedAt] = [textOf(stage), await startOf(stage)];
      const result = await stage.run(to({ customerNotes: 'x' }), undefined, lists.steps);
      assert.equal(result.outcome, 'undone', result.reason);
      assert.match(
        result.reason,
        /^rehearse config: .*does not start on a copy.*\[config\] of its spec says customerNotes/,
      );
      assert.deepEqual([textOf(stage), await startOf(stage)], [text, startedAt]);
    }));

  it('that a newer release does not know is named before an upgrade, and goes by a change of it', () =>
    onStage(async (stage) => {
      const image = await stage.world.engine.findImage(imageOf(testRelease));
      assert.ok(image);
      const labels = { ...image.labels, 'test.takes': 'customerNotes' };
      stage.world.engine.addImage(imageOf(testRelease), { ...image, labels });
      await run(stage, to({ customerNotes: 'x' }));
      const upgrade = {
        kind: 'upgrade',
        number: 7,
        to: { ...stage.gateway.spec, release: '2026.9.7' },
        save: 'a',
        readyMs: 2_000,
      } as const;
      const result = await stage.carryOut(upgrade);
      assert.equal(result.outcome, 'undone');
      assert.match(
        result.reason,
        /^rehearse replacement: .*\[config\] of its spec says customerNotes.*`creel change g42 --config gateway\.toml`/,
      );
      await run(stage, to(next));
      const again = await stage.carryOut({ ...upgrade, number: 8, to: { ...stage.gateway.spec, release: '2026.9.7' } });
      assert.equal(again.outcome, 'done', again.reason);
    }));

  it('comes with other models, channels and limits in one operation, and goes back as one', () =>
    onStage(async (stage) => {
      await stage.world.deps.secrets.write('own', new Secret('sk-own'));
      await stage.world.deps.secrets.write('bot', new Secret(`123456789:${'A'.repeat(35)}`));
      const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['1'] }] as const;
      for (const config of [next, server]) {
        await run(stage, to(first));
        const said = beside(stage);
        const all = { ...to(config, { models: ownModels, channels, memoryMb: 4096 }), models: 8 };
        const change = { ...all, channels: true, limits: true } as const;
        const plan = failing('read reconfigured', 'do', 'refuse before');
        const result = await stage.run(change, plan, reconfigure.list(change));
        assert.equal(result.outcome, 'undone', result.reason);
        assert.deepEqual(sortedLists(beside(stage)), sortedLists(said));
        await run(stage, { ...change, models: 9 });
        assert.match(textOf(stage), /"canvas"/);
        assert.doesNotMatch(textOf(stage), /"browser"/);
        await run(stage, { ...to(undefined), channels: true, limits: true, models: 10 });
      }
    }));

  it('holds no secret that is stored here, in whatever form', () =>
    onStage(async (stage) => {
      await stage.world.deps.secrets.write('own', new Secret('plain-words'));
      const held = to({ ui: { title: 'the plain-words of it' } }, { models: ownModels });
      const result = await stage.run({ ...held, models: 8 }, undefined, reconfigure.list({ ...held, models: 8 }));
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /config\.ui\.title holds a secret that is stored here/);
      assert.doesNotMatch(result.reason, /plain-words/);
    }));

  it('that holds one is foreseen, with everything else that the first step would refuse, each in its words', () =>
    onStage(async (stage) => {
      await stage.world.deps.secrets.write('own', new Secret('plain-words'));
      const { spec, ...gateway } = stage.gateway;
      const foreseen = async (more: Partial<GatewaySpec>) => {
        const next = { ...gateway, keyId: 'of another worker', spec: { ...spec, ...more } };
        return (await stage.world.activities.findObstacles({ gateways: [next] }))[0];
      };
      const held = { config: { ui: { title: 'the plain-words of it' } }, models: ownModels };
      const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['1'] }] as const;
      assert.deepEqual(await foreseen({ config: next, models: ownModels, timezone: 'Europe/Berlin' }), []);
      const said = await foreseen({ ...held, channels, timezone: 'Europe/Atlantis', release: '2026.9.99' });
      assert.deepEqual(
        said?.map(
          (each) => /is not in|no secret named bot|config\.ui\.title holds a secret|is no zone/.exec(each)?.[0],
        ),
        ['is not in', 'no secret named bot', 'config.ui.title holds a secret', 'is no zone'],
      );
    }));

  it('may say a word that is the whole key of a provider which wants none', () =>
    onStage(async (stage) => {
      await stage.world.deps.secrets.write('own', new Secret('ollama'));
      const said = { ...to({ ui: { title: 'ollama at home' } }, { models: ownModels }), models: 8 };
      await run(stage, said);
      assert.match(textOf(stage), /ollama at home/);
    }));

  it('that comes by a restart keeps the keys that are in force, whatever is stored by then, and so does its way back', () =>
    onStage(async (stage) => {
      const keys = () => DirectoryGateway.within(stage.world.root, stage.names.container).modelKeys;
      await stage.world.deps.secrets.write('own', new Secret('sk-one'));
      await run(stage, { ...to(first, { models: ownModels }), models: 8 });
      await stage.world.deps.secrets.write('own', new Secret('sk-two'));
      const change = to(server, { models: ownModels });
      const startedAt = await startOf(stage);
      const plan = failing('read reconfigured', 'do', 'refuse before');
      const result = await stage.run(change, plan, reconfigure.list(change));
      assert.equal(result.outcome, 'undone', result.reason);
      assert.notEqual(await startOf(stage), startedAt);
      assert.deepEqual(keys(), { own: 'sk-one' });
      await run(stage, change);
      assert.deepEqual(keys(), { own: 'sk-one' });
      await run(stage, { ...to(first, { models: ownModels }), models: 9 });
      assert.deepEqual(keys(), { own: 'sk-two' });
    }));
});

const steps = ['ensureHost', 'ensureRelease', 'ensureState', 'ensureNetwork', 'ensureConfig'] as const;
const starting = ['ensureContainer', 'probeReadiness', 'ensureOperator', 'ensureRestartPolicy'] as const;

describe('a gateway whose spec has [config]', () => {
  const onWorld = async (play: (world: ReturnType<typeof openTestWorld>, gateway: Gateway) => Promise<void>) => {
    const world = openTestWorld();
    try {
      await play(world, world.gateway('g42'));
    } finally {
      world.close();
    }
  };
  const withConfig = (gateway: Gateway, config: Extras): Gateway => ({ ...gateway, spec: { ...gateway.spec, config } });

  it('starts with it, and what its owner changes in it is named, and put right by a repair', () =>
    onWorld(async (world, bare) => {
      const gateway = withConfig(bare, first);
      for (const step of [...steps, ...starting]) await world.activities[step](gateway);
      const file = path.join(world.root, 'files', world.namesOf(gateway).volume, configFile);
      const booted = DirectoryGateway.within(world.root, world.namesOf(gateway).container).bootId;
      const read = (): Record<string, unknown> => JSON.parse(fs.readFileSync(file, 'utf8'));
      assert.deepEqual(read()['session'], { idleMinutes: 30 });
      assert.equal((await world.activities.findGateway(gateway)).findings, undefined);
      replaceFile(file, JSON.stringify({ ...read(), session: { idleMinutes: 5 }, tools: { deny: ['own', 'nodes'] } }));
      const [finding = '', ...more] = (await world.activities.findGateway(gateway)).findings ?? [];
      assert.match(finding, /^tools\.deny, session\.idleMinutes no longer says what \[config\] does/);
      assert.deepEqual(more, []);
      assert.match(
        String(await world.activities.ensureConfig(gateway)),
        /put right while it runs: what \[config\] says/,
      );
      assert.deepEqual(read()['session'], { idleMinutes: 30 });
      assert.deepEqual(read()['tools'], { deny: ['own', 'nodes', 'browser'] });
      assert.equal(await world.activities.ensureConfig(gateway), undefined);
      assert.equal(DirectoryGateway.within(world.root, world.namesOf(gateway).container).bootId, booted);
    }));

  it('is judged by the release itself before it is started for the first time (S0-28, S4-28)', () =>
    onWorld(async (world, bare) => {
      const gateway = withConfig(bare, { customerNotes: 'x' });
      for (const step of steps.slice(0, -1)) await world.activities[step](gateway);
      await assert.rejects(
        world.activities.ensureConfig(gateway),
        /does not accept the config of gateway g42: Unrecognized key: "customerNotes"/,
      );
      assert.equal(await world.engine.findContainer(world.namesOf(gateway).container), undefined);
      await world.activities.removeConfig(gateway);
      await world.activities.removeNetwork(gateway);
      await world.activities.removeState(gateway);
      assert.deepEqual(world.engine.leftovers(), []);
    }));

  it('lies in no file that another one includes: nothing is half-written', () =>
    onWorld(async (world, bare) => {
      const gateway = withConfig(bare, first);
      for (const step of [...steps, ...starting]) await world.activities[step](gateway);
      const file = path.join(world.root, 'files', world.namesOf(gateway).volume, configFile);
      const read = JSON.parse(fs.readFileSync(file, 'utf8'));
      replaceFile(file, JSON.stringify({ ...read, tools: { $include: './tools.json5' } }));
      await assert.rejects(world.activities.ensureConfig(gateway), /"tools" comes from another file/);
    }));
});
