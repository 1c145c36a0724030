import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { configFile } from '../../../src/domain/gateway/config.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { at } from '../../../src/domain/json.js';
import { reconfigured, type Reconfiguration } from '../../../src/domain/changes/reconfiguration.js';
import { keysFile, ofModels } from '../../../src/domain/models/config.js';
import { previousKeysFile } from '../../../src/domain/keys/previous-keys.js';
import { takenBackFile } from '../../../src/domain/keys/taken-back.js';
import type { Provider } from '../../../src/domain/models/provider.js';
import { reconfigure } from '../../../src/workflows/reconfigure/operation.js';
import { ChangeStage } from '../proofs/change-stage.js';
import { at as failing, noFault } from '../proofs/faults.js';
import { proveChange } from '../proofs/prove-change.js';
import type { Models } from '../../../src/domain/models/models.js';
import { Secret } from '../../../src/domain/secret.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { replaceFile } from '../../world/directory-files.js';
import { openTestWorld, testSpec, type TestWorld } from '../../world/open-test-world.js';

const reference = { source: 'file', provider: 'creel', id: '/anthropic' };
const models: Models = {
  default: 'anthropic/claude-opus-5',
  fallbacks: [],
  providers: [{ id: 'anthropic', key: 'secret:first' }],
};
const steps = [
  'ensureHost',
  'ensureRelease',
  'ensureState',
  'ensureNetwork',
  'ensureConfig',
  'ensureContainer',
  'probeReadiness',
  'ensureOperator',
] as const;

/** One life of a gateway, and what it says in its state. */
class Home {
  readonly world: TestWorld = openTestWorld();
  gateway: Gateway = this.world.gateway('g42');

  async store(name: string, value: string): Promise<void> {
    await this.world.deps.secrets.write(name, new Secret(value));
  }

  /** Begins the gateway, or repairs it, with these models. */
  async go(of: Models | undefined): Promise<string | undefined> {
    const { models: _former, ...spec } = this.gateway.spec;
    this.gateway = { ...this.gateway, spec: { ...spec, ...(of && { models: of }) } };
    let said: string | undefined;
    for (const step of steps) {
      const answer = await this.world.activities[step](this.gateway);
      if (step === 'ensureConfig' && typeof answer === 'string') said = answer;
    }
    await this.world.activities.ensureRestartPolicy(this.gateway);
    return said;
  }

  file(name: string): string {
    return path.join(this.world.root, 'files', this.world.namesOf(this.gateway).volume, name);
  }

  text(name: string): string {
    return fs.readFileSync(this.file(name), 'utf8');
  }

  config(): Record<string, unknown> {
    return JSON.parse(this.text(configFile));
  }

  edit(change: (config: Record<string, unknown>) => Record<string, unknown>): void {
    replaceFile(this.file(configFile), JSON.stringify(change(this.config())));
  }

  /** The keys with which the gateway asks its providers. */
  keys(): Readonly<Record<string, string>> {
    return DirectoryGateway.within(this.world.root, this.world.namesOf(this.gateway).container).modelKeys;
  }

  async findings(): Promise<readonly string[]> {
    return (await this.world.activities.findGateway(this.gateway)).findings ?? [];
  }
}

async function onHome(play: (home: Home) => Promise<void>): Promise<void> {
  const home = new Home();
  try {
    await home.store('first', 'sk-one');
    await play(home);
  } finally {
    home.world.close();
  }
}

const litellm: Provider = {
  id: 'litellm',
  key: 'secret:litellm',
  baseUrl: 'http://litellm.internal:4000/v1',
  api: 'openai-completions',
  models: ['fast'],
};
const wider: Models = { default: 'litellm/fast', fallbacks: [], providers: [...models.providers, litellm] };
const to = (of: Models | undefined, number = 7): Reconfiguration => ({
  kind: 'reconfigure',
  to: { ...testSpec, ...(of && { models: of }) },
  channels: false,
  models: number,
});
const lists = { operation: reconfigure, steps: reconfigure.list(to(models)) };

const stateFile = (stage: ChangeStage, name: string) => path.join(stage.world.root, 'files', stage.names.volume, name);
const textOf = (stage: ChangeStage, name: string) => fs.readFileSync(stateFile(stage, name), 'utf8');
const partsOf = (stage: ChangeStage) => ofModels(JSON.parse(textOf(stage, configFile)));
const keysOf = (stage: ChangeStage) => DirectoryGateway.within(stage.world.root, stage.names.container).modelKeys;
const startOf = async (stage: ChangeStage) =>
  (await stage.world.engine.findContainer(stage.names.container))?.startedAt;
const store = (stage: ChangeStage, name: string, value: string) =>
  stage.world.deps.secrets.write(name, new Secret(value));

async function run(stage: ChangeStage, change: Reconfiguration): Promise<void> {
  const result = await stage.run(change, undefined, reconfigure.list(change));
  assert.equal(result.outcome, 'done', result.reason);
  stage.gateway = reconfigured({ ...stage.gateway, change });
}

/** What a gateway said of its models when the change began, by stage. */
const before = new WeakMap<ChangeStage, { readonly parts: unknown; readonly startedAt: string | undefined }>();

describe('a change of models', () =>
  proveChange({
    ...lists,
    begin: async (stage) => {
      await store(stage, 'first', 'sk-one');
      await store(stage, 'litellm', 'sk-lite');
      await run(stage, to(models, 5));
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      before.set(stage, { parts: partsOf(stage), startedAt: await startOf(stage) });
      await store(stage, 'first', 'sk-two');
      return to(wider);
    },
    isDone: async (stage) => {
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-two', litellm: 'sk-lite' });
      assert.equal(at(partsOf(stage), ['agents', 'defaults', 'model', 'primary']), 'litellm/fast');
      assert.doesNotMatch(textOf(stage, previousKeysFile), /sk-/);
      assert.equal(await startOf(stage), before.get(stage)?.startedAt);
    },
    isBack: async (stage) => {
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      assert.deepEqual(partsOf(stage), before.get(stage)?.parts);
      assert.equal(await startOf(stage), before.get(stage)?.startedAt);
    },
  }));

async function onStage(play: (stage: ChangeStage) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const stage = new ChangeStage(world, lists);
    await stage.provision();
    await store(stage, 'first', 'sk-one');
    await store(stage, 'litellm', 'sk-lite');
    await play(stage);
  } finally {
    world.close();
  }
}

const byRestart = { 'creel.release': '2026.9.6', 'creel.plugins': 'telegram', 'creel.schema.state': '18' };

describe('other models', () => {
  it('take a key away: it is out of the config, out of the file and out of the gateway', () =>
    onStage(async (stage) => {
      await run(stage, to(wider));
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one', litellm: 'sk-lite' });
      await run(stage, to(models, 8));
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      await run(stage, to(undefined, 9));
      assert.deepEqual(keysOf(stage), {});
      for (const name of [configFile, keysFile, previousKeysFile]) assert.doesNotMatch(textOf(stage, name), /sk-/);
      assert.deepEqual(partsOf(stage), { agents: { defaults: {} } });
    }));

  it('that nobody is answered by go back to the very keys that there were, whatever is stored by then', () =>
    onStage(async (stage) => {
      await run(stage, to(models));
      await store(stage, 'first', 'sk-wrong');
      replaceFile(path.join(stage.world.root, 'provider'), 'wrong key');
      const result = await stage.run(to(models, 8), undefined, lists.steps);
      assert.equal(result.outcome, 'undone', result.reason);
      assert.match(result.reason, /^prove models: provider anthropic refuses the key of gateway g42/);
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      assert.match(
        result.reason,
        /`creel secret set first`, then `creel change g42 --models gateway.toml` takes it up/,
      );
      assert.equal(textOf(stage, keysFile), '{"anthropic":"sk-one"}\n');
    }));

  it('that nobody is answered by stay out, though they are stored, until another change or another key', () =>
    onStage(async (stage) => {
      await run(stage, to(models));
      await store(stage, 'first', 'sk-wrong');
      replaceFile(path.join(stage.world.root, 'provider'), 'wrong key');
      assert.equal((await stage.run(to(models, 8), undefined, lists.steps)).outcome, 'undone');
      fs.rmSync(path.join(stage.world.root, 'provider'));
      assert.doesNotMatch(textOf(stage, takenBackFile), /sk-/);
      const repaired = async () => {
        const { change: _none, ...gateway } = { ...stage.gateway, change: undefined };
        return (await stage.world.activities.ensureConfig(gateway)) ?? '';
      };
      const stays = /provider anthropic keeps the key that it had: the stored first .*`creel change g42 --models/;
      assert.match(await repaired(), stays);
      stage.world.engine.crash(stage.names.container);
      assert.match(await repaired(), stays, 'and so before a start');
      const { id = '' } = (await stage.world.engine.findContainer(stage.names.container)) ?? {};
      await stage.world.engine.startContainer(id);
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      await run(stage, to(models, 9));
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-wrong' }, 'a change tries it again');
      await store(stage, 'first', 'sk-right');
      assert.match(await repaired(), /the stored keys of its models taken up$/);
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-right' });
    }));

  it('that nobody is answered by are refused in those words, also where that cannot be noted', () =>
    onStage(async (stage) => {
      await run(stage, to(models));
      await store(stage, 'first', 'sk-wrong');
      replaceFile(path.join(stage.world.root, 'provider'), 'wrong key');
      const { deps } = stage.world;
      const engineAt: typeof deps.engineAt = (place) =>
        new Proxy(deps.engineAt(place), {
          get: (engine, name) =>
            name === 'writeFiles'
              ? async (...args: Parameters<typeof engine.writeFiles>) => {
                  if (args[2].some((file) => file.path === takenBackFile)) throw new Error('no space left');
                  return engine.writeFiles(...args);
                }
              : Reflect.get(engine, name),
        });
      const result = await stage.runWith(createActivities({ ...deps, engineAt }), to(models, 8), noFault);
      assert.equal(result.outcome, 'undone', result.reason);
      assert.match(
        result.reason,
        /^prove models: provider anthropic refuses the key of gateway g42.*could not be noted/,
      );
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
    }));

  it('are refused before anything is touched when a key is not stored', () =>
    onStage(async (stage) => {
      const text = textOf(stage, configFile);
      const missing = { ...models, providers: [{ id: 'anthropic', key: 'secret:missing' }] };
      const result = await stage.run(to(missing), undefined, lists.steps);
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^check models: no secret named missing is stored/);
      assert.equal(textOf(stage, configFile), text);
    }));

  it('a key of the customer’s own is taken back by a change, and comes back with its way back', () =>
    onStage(async (stage) => {
      await run(stage, to(models));
      const own = { providers: { anthropic: { apiKey: 'anthropic:manual' } } };
      const setUp = () => {
        const config = JSON.parse(textOf(stage, configFile));
        replaceFile(stateFile(stage, configFile), JSON.stringify({ ...config, models: own }));
      };
      setUp();
      const plan = failing('read reconfigured', 'do', 'refuse before');
      const result = await stage.run(to(models, 8), plan, lists.steps);
      assert.equal(result.outcome, 'undone', result.reason);
      assert.deepEqual(at(partsOf(stage), ['models']), own);
      await run(stage, to(models, 9));
      assert.deepEqual(at(partsOf(stage), ['models', 'providers', 'anthropic', 'apiKey']), reference);
    }));

  it('are taken up by one restart where the release takes nothing up while it runs, and go back by one', () =>
    onStage(async (stage) => {
      const id = `sha256:${'1'.repeat(64)}`;
      stage.world.engine.addImage('creel/openclaw:2026.9.6', { id, labels: byRestart });
      await run(stage, to(models));
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      const parts = partsOf(stage);
      await store(stage, 'first', 'sk-two');
      const plan = failing('read reconfigured', 'do', 'refuse before');
      const result = await stage.run(to(wider, 8), plan, lists.steps);
      assert.equal(result.outcome, 'undone', result.reason);
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      assert.deepEqual(partsOf(stage), parts);
      assert.equal((await stage.world.engine.findContainer(stage.names.container))?.restartPolicy, 'always');
    }));

  it('alone bring a key that is stored by now: a restart for channels or for a token keeps the one in force', () =>
    onStage(async (stage) => {
      const id = `sha256:${'1'.repeat(64)}`;
      stage.world.engine.addImage('creel/openclaw:2026.9.6', { id, labels: byRestart });
      await store(stage, 'bot', `123456789:${'A'.repeat(35)}`);
      await run(stage, to(models));
      await store(stage, 'first', 'sk-unproved');
      const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['1'] }] as const;
      const { models: _none, ...change } = { ...to(models), channels: true };
      const startedAt = await startOf(stage);
      await run(stage, { ...change, to: { ...change.to, channels } });
      const restartedAt = await startOf(stage);
      assert.notEqual(restartedAt, startedAt);
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
      const turned = { nextTokenGeneration: 2, nextDeviceGeneration: 1, reclaim: false, evict: false, approved: [] };
      const rotated = await stage.carryOut({ kind: 'rotate', ...turned });
      assert.equal(rotated.outcome, 'done', rotated.reason);
      assert.notEqual(await startOf(stage), restartedAt);
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one' });
    }));

  it('come with other channels and limits in one operation, and go back as one', () =>
    onStage(async (stage) => {
      await store(stage, 'bot', `123456789:${'A'.repeat(35)}`);
      await run(stage, to(models));
      const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['1'] }] as const;
      const all = { ...to(wider, 8), channels: true, limits: true } as const;
      const change = { ...all, to: { ...all.to, channels, memoryMb: 4096 } };
      const steps = reconfigure.list(change);
      const parts = partsOf(stage);
      const result = await stage.run(change, failing('read reconfigured', 'do', 'refuse before'), steps);
      assert.equal(result.outcome, 'undone', result.reason);
      assert.deepEqual([keysOf(stage), partsOf(stage)], [{ anthropic: 'sk-one' }, parts]);
      assert.doesNotMatch(textOf(stage, configFile), /telegram/);
      await run(stage, { ...change, models: 9 });
      assert.deepEqual(keysOf(stage), { anthropic: 'sk-one', litellm: 'sk-lite' });
      assert.match(textOf(stage, configFile), /telegram/);
    }));
});

describe('a gateway whose spec has models', () => {
  it('starts with the key in a file of its state and nowhere else (S0-32, S1-3, S1-30)', () =>
    onHome(async (home) => {
      await home.go(models);
      assert.deepEqual(home.keys(), { anthropic: 'sk-one' });
      assert.equal(home.text(keysFile), '{"anthropic":"sk-one"}\n');
      assert.equal(fs.statSync(home.file(keysFile)).mode & 0o777, 0o600);
      assert.doesNotMatch(home.text(configFile), /sk-one/);
      assert.doesNotMatch(JSON.stringify(home.world.engine.containers()), /sk-one/);
      assert.deepEqual(await home.findings(), []);
    }));

  it('is refused before anything exists when a key is not stored, or is none', () =>
    onHome(async (home) => {
      const before = home.world.engine.leftovers();
      const missing = { ...models, providers: [{ id: 'anthropic', key: 'secret:missing' }] };
      await assert.rejects(home.go(missing), /no secret named missing is stored/);
      await home.store('first', 'two words');
      await assert.rejects(home.go(models), /provider anthropic: the stored first is no key/);
      assert.deepEqual(home.world.engine.leftovers(), before);
    }));

  it('takes a new value of the same secret up by a repair, while it runs', () =>
    onHome(async (home) => {
      await home.go(models);
      const booted = DirectoryGateway.within(home.world.root, home.world.namesOf(home.gateway).container).bootId;
      await home.store('first', 'sk-two');
      assert.match((await home.go(models)) ?? '', /the stored keys of its models taken up/);
      assert.deepEqual(home.keys(), { anthropic: 'sk-two' });
      assert.equal(await home.go(models), undefined);
      const now = DirectoryGateway.within(home.world.root, home.world.namesOf(home.gateway).container).bootId;
      assert.equal(now, booted);
    }));

  it('gets and loses them by a repair, and then holds no key any more', () =>
    onHome(async (home) => {
      await home.go(undefined);
      const bare = home.text(configFile);
      await home.go(models);
      assert.deepEqual(home.keys(), { anthropic: 'sk-one' });
      await home.go(undefined);
      assert.deepEqual(home.keys(), {});
      assert.equal(home.text(keysFile), '{}\n');
      assert.deepEqual(home.config(), JSON.parse(bare));
    }));

  it('keeps the customer’s own key, says so, and gets creel’s beside for the others', () =>
    onHome(async (home) => {
      await home.go(models);
      home.edit((config) => ({ ...config, models: { providers: { anthropic: { apiKey: 'anthropic:manual' } } } }));
      assert.equal(await home.go(models), undefined);
      const [finding = '', ...more] = await home.findings();
      assert.match(finding, /a key of the customer's own is in force for provider anthropic, and secret:first is not/);
      assert.deepEqual(more, []);
      await home.store('openai', 'sk-open');
      await home.go({ ...models, providers: [...models.providers, { id: 'openai', key: 'secret:openai' }] });
      const { providers } = home.config()['models'] as { providers: Record<string, { apiKey: unknown }> };
      assert.equal(providers['anthropic']?.apiKey, 'anthropic:manual');
      assert.deepEqual(providers['openai']?.apiKey, { ...reference, id: '/openai' });
    }));
});
