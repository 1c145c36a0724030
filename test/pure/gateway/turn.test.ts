import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { awaitAnswer, probeTurn } from '../../../src/activities/parts/door/turn.js';
import { Refused } from '../../../src/domain/errors.js';
import { configFile } from '../../../src/domain/gateway/config.js';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { endpoints } from '../../../src/domain/models/endpoint.js';
import type { Models } from '../../../src/domain/models/models.js';
import { Secret } from '../../../src/domain/secret.js';
import { readText, replaceFile } from '../../world/directory-files.js';
import type { ProviderMood } from '../../world/directory-gateway.js';
import { ownModels as models } from '../../world/own-models.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';

const config = z.looseObject({ agents: z.looseObject({ defaults: z.looseObject({}) }) });

let world: TestWorld;
beforeEach(() => {
  world = openTestWorld();
});
afterEach(() => {
  world.close();
});

const stateOf = ({ mark }: Gateway) => path.join(world.root, 'files', names(mark).volume);
const sessions = (gateway: Gateway) => {
  const directory = path.join(stateOf(gateway), 'sessions');
  return fs.existsSync(directory) ? fs.readdirSync(directory) : [];
};
const provider = (mood: ProviderMood) => replaceFile(path.join(world.root, 'provider'), mood);

/** A gateway that serves and has these models. */
async function served(wanted: Models | undefined): Promise<Gateway> {
  await world.deps.secrets.write('own', new Secret('sk-own-key'));
  const plain = world.gateway('g42');
  const g42 = { ...plain, spec: { ...plain.spec, ...(wanted && { models: wanted }) } };
  const { activities } = world;
  await activities.ensureState(g42);
  await activities.ensureNetwork(g42);
  await activities.ensureConfig(g42);
  const file = path.join(stateOf(g42), configFile);
  const { agents, ...rest } = config.parse(JSON.parse(readText(file) ?? ''));
  const model = { primary: models.default };
  replaceFile(file, JSON.stringify({ ...rest, agents: { ...agents, defaults: { ...agents.defaults, model } } }));
  await activities.ensureContainer(g42);
  await activities.probeReadiness(g42);
  await activities.ensureOperator(g42);
  return g42;
}

describe('a turn (S0-32)', () => {
  test('is answered, and says by which model; nothing of it stays, nor of an attempt before it', async () => {
    const g42 = await served(models);
    replaceFile(path.join(stateOf(g42), 'sessions', 'creel-turn'), 'of an attempt that was cut off');
    expect(await probeTurn(world.deps, g42)).toMatch(/^answered by own\/echo-1 in \d+\.\d s$/);
    expect(sessions(g42)).toEqual([]);
  });

  test('is not tried without models, nor where prove_turn is false; both are said', async () => {
    const g42 = await served(models);
    provider('wrong key');
    const { models: _models, ...bare } = g42.spec;
    expect(await probeTurn(world.deps, { ...g42, spec: bare })).toBe('no model: nobody is answered');
    const spared = { ...g42.spec, models: { ...models, proveTurn: false as const } };
    expect(await probeTurn(world.deps, { ...g42, spec: spared })).toBe('not tried: prove_turn = false');
  });

  test.each([
    [
      'wrong key',
      /^provider own refuses the key of gateway g42 \(.*HTTP 401.*`creel secret set own`, then `creel provision g42` takes it up/,
    ],
    ['no credit', /^the account of gateway g42 at provider own has no credit .*Top it up.*`creel provision g42`/],
    ['resting', /^gateway g42 lets the key of provider own rest/],
    [
      'unknown model',
      /^provider own does not have the model of gateway g42 .*Name another one with `creel change g42 --models FILE`/,
    ],
  ] as const)('ends at once with a %s, which is named with its cure, and leaves no session', async (mood, sentence) => {
    const g42 = await served(models);
    provider(mood);
    const ended: unknown = await probeTurn(world.deps, g42).catch((error: unknown) => error);
    expect(ended).toBeInstanceOf(Refused);
    expect(ended).toMatchObject({ message: expect.stringMatching(sentence) });
    expect(sessions(g42)).toEqual([]);
  });

  const brief = { turnMs: 150, paceMs: 10, limitMs: 400 };

  test.each([
    ['down', /own\/echo-1 does not answer: The AI service is temporarily overloaded/],
    ['resting for a minute', /own\/echo-1 does not answer: Inline API key/],
    ['unreachable', /does not reach its models \(models:4000 ENETUNREACH\)/],
    ['silent', /own\/echo-1 has not answered within 0 s/],
  ] as const)('waits for a provider that is %s, and says so when it gives up', async (mood, sentence) => {
    const g42 = await served(models);
    provider(mood);
    await expect(awaitAnswer(world.deps, g42, brief)).rejects.toThrow(sentence);
    expect(sessions(g42)).toEqual([]);
  });

  test('leaves no session either where its connection is cut when it is to be deleted', async () => {
    const g42 = await served(models);
    provider('silent');
    const { deps } = world;
    let cut = 0;
    const door = new Proxy(deps.door, {
      get: (target, name) => {
        if (name !== 'knock') return Reflect.get(target, name).bind(target);
        return async (...asked: Parameters<typeof target.knock>) => {
          const knock = await target.knock(...asked);
          if (knock.kind !== 'open' || cut > 0) return knock;
          let deletions = 0;
          const call = async (method: string, params: object) => {
            if (method === 'sessions.delete') deletions += 1;
            if (deletions < 2) return knock.session.call(method, params);
            cut += 1;
            throw new Error('the connection was cut');
          };
          return { ...knock, session: { hello: knock.session.hello, call, close: () => knock.session.close() } };
        };
      },
    });
    await expect(awaitAnswer({ ...deps, door }, g42, brief)).rejects.toThrow();
    expect(cut).toBe(1);
    expect(sessions(g42)).toEqual([]);
  });

  test('is asked again of a provider that comes back', async () => {
    const g42 = await served(models);
    provider('down');
    const answered = awaitAnswer(world.deps, g42, { ...brief, limitMs: 60_000 });
    const runs = path.join(world.root, 'memory', names(g42.mark).container, 'runs');
    await expect
      .poll(() => fs.existsSync(runs) && fs.readdirSync(runs).length, { timeout: 30_000, interval: 5 })
      .toBeGreaterThan(1);
    provider('answers');
    expect(await answered).toMatch(/^answered by own/);
  });
});

describe('where the models of a gateway are asked', () => {
  test('is the address of a spec, or the one that a gateway knows; each place once', () => {
    const official = { id: 'anthropic', key: 'secret:a' };
    const asked = { ...models, fallbacks: ['anthropic/claude-opus-5', 'anthropic/claude-haiku-5'] };
    expect(endpoints({ ...asked, providers: [...models.providers, official] })).toEqual([
      { host: 'models', port: 4000 },
      { host: 'api.anthropic.com', port: 443 },
    ]);
  });
});
