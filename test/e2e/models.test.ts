import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ModelProvider } from '../../src/dev/models/model-provider.js';
import { configFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { names, type Gateway } from '../../src/domain/gateway/gateway.js';
import { keysFile } from '../../src/domain/models/config.js';
import type { Models } from '../../src/domain/models/models.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { GatewaySpec, SpecChange } from '../../src/domain/gateway/spec.js';
import type { Description } from '../../src/wire/description.js';
import { RealGround } from '../ground/real-ground.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { storeBot } from './outside/bot-api.js';
import { isAnsweredMeanwhile } from './outside/halfway.js';
import { HttpProxy } from './outside/http-proxy.js';
import { ownAddress } from './outside/own-address.js';
import { Talk } from './outside/talk.js';

const first = 'sk-first-3f9d0c7a51';
const second = 'sk-second-81bb20e6f4';
const third = 'sk-third-d7720b91c8';
const keysPath = `${stateDirectory}/${keysFile}`;
const patienceMs = 360_000; // A rehearsal starts another gateway, on a machine with other work too.
const provider = new ModelProvider(first);
const proxy = new HttpProxy();
let ground: RealGround;
let port = 0;

beforeAll(async () => {
  port = await provider.open();
  ground = new RealGround(await TestServer.start());
  process.env['TEST_GATEWAY_PROXY'] = `http://${ownAddress()}:${await proxy.open()}`;
  process.env['TEST_GATEWAY_CA'] = path.resolve('test/ground/registries/authority.pem');
  await ground.startWorker();
});

afterAll(async () => {
  await ground?.close();
  await ground?.server.stop();
  await provider.close();
  await proxy.close();
}, 120_000);

function modelsAt(reference: string): Models {
  const baseUrl = `http://${ownAddress()}:${port}/v1`;
  const own = { id: 'standin', key: `secret:${reference}`, baseUrl, models: ['echo-1'] };
  return { default: 'standin/echo-1', fallbacks: [], providers: [{ ...own, api: 'openai-completions' }] };
}

async function inside(gateway: Gateway, ...command: string[]): Promise<string> {
  return (await execa('docker', ['exec', names(gateway.mark).container, ...command])).stdout;
}

/** The key lies in the file of the gateway's user alone, and nowhere else. */
async function liesInOneFile(gateway: Gateway, key: string): Promise<void> {
  expect(await inside(gateway, 'stat', '-c', '%a %u %F', `${stateDirectory}/secrets`, keysPath)).toBe(
    '700 1000 directory\n600 1000 regular file',
  );
  expect(await inside(gateway, 'cat', keysPath)).toContain(key);
  const { stdout: inspected } = await execa('docker', ['inspect', names(gateway.mark).container]);
  const told = `cd ${stateDirectory} && cat /proc/1/environ ${configFile}* .creel-*`;
  for (const text of [inspected, await inside(gateway, 'sh', '-c', told)]) expect(text).not.toContain(key);
  expect(await inside(gateway, 'sh', '-c', `cd ${stateDirectory} && grep -rlF '${key}' .`)).toBe(`./${keysFile}`);
}

/** A key that its provider refuses is told with the cure, and the cure cures. */
async function isDegradedUntilItsKeyIsStored(stage: Stage, spec: GatewaySpec): Promise<void> {
  provider.key = third;
  await stage.provision({ spec });
  expect(await stage.settled(patienceMs)).toMatchObject({
    phase: 'degraded',
    reason: expect.stringMatching(
      /^prove turn: provider standin refuses the key .*`creel secret set model`, then `creel provision/,
    ),
  });
  await storeBot(ground, 'model', third);
  await stage.provision({ spec });
  expect(await stage.settled(patienceMs)).toMatchObject({ phase: 'ready', reason: '' });
  expect(provider.asked.at(-1)?.key).toBe(third);
}

async function change(stage: Stage, models: Models | 'none'): Promise<Description> {
  return changeOf(stage, { models });
}

async function changeOf(stage: Stage, asked: SpecChange): Promise<Description> {
  const place = { provider: 'local', host: 'local' } as const;
  await stage.request({ kind: 'change', requestId: randomUUID(), origin: 'test', place, ...asked });
  return stage.settled(patienceMs);
}

const surroundings = { timezone: 'Asia/Kathmandu', environment: { COMPANY_NAME: 'Example & Söhne' } };

/** What runs in it tells the time by the zone of its spec, and finds its environment. */
async function livesInItsZone(gateway: Gateway): Promise<void> {
  const told = 'console.log(new Date(0).getTimezoneOffset(), process.env.COMPANY_NAME)';
  expect(await inside(gateway, 'node', '-e', told)).toBe('-330 Example & Söhne');
  expect(await inside(gateway, 'date', '+%z')).toBe('+0545');
}

/** Whatever it asks its model goes through the proxy of its host, and it believes the authorities of its host beside its own. */
async function goesOutByItsHost(gateway: Gateway): Promise<void> {
  expect(proxy.asked).toContain(`${ownAddress()}:${port}`);
  const told = "console.log(require('node:tls').getCACertificates('extra').length)";
  expect(await inside(gateway, 'node', '-e', told)).toBe('1');
}

/** Its config says what the spec wants, in every change; what the release does not start with is refused on a copy. */
async function takesOtherConfigs(stage: Stage, gateway: Gateway): Promise<void> {
  const said = async () => {
    const text = await inside(gateway, 'cat', `${stateDirectory}/${configFile}`);
    return { text, config: z.looseObject({}).parse(JSON.parse(text)) };
  };
  expect((await said()).config).toMatchObject({ logging: { level: 'info' }, update: { checkOnStart: false } });
  const next = { logging: { level: 'warn' }, tools: { deny: ['browser'] } };
  expect(await changeOf(stage, { config: next })).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
  const { text } = await said();
  expect(JSON.parse(text)).toMatchObject(next);
  expect(await changeOf(stage, { config: { tools: { nosuch: 1 } } })).toMatchObject({
    phase: 'ready',
    last: { outcome: 'undone', reason: expect.stringMatching(/^rehearse config: [^]*(nosuch|tools)/) },
  });
  expect((await said()).text).toBe(text);
}

/** With which codes a release may close a session when it is given other models: an older one starts anew, and an answer that is under way ends. */
const closings = [
  ['2026.9.6', [undefined]],
  ['2026.6.11', [undefined, 1012]],
] as const;

describe.each(closings)('release %s', (release, codes) => {
  it('is answered with a key that lies in one file of its state, and takes others while somebody stays in (S0-32, S1-3, S1-30)', async () => {
    const mayRestart = codes.some((code) => code !== undefined);
    const stage = new Stage(ground, defaultLimits);
    try {
      provider.key = first;
      await storeBot(ground, 'model', first);
      const models = modelsAt('model');
      const config = { logging: { level: 'info' } };
      const spec = { ...testSpec, cpus: 2, release, models, config, ...surroundings };
      const { birth } = await stage.provision({ spec });
      const { life, phase, reason, record } = await stage.settled(patienceMs);
      expect(`${phase}: ${reason}`).toBe('ready: ');
      if (!life || !record) throw new Error(`no life ${birth}`);
      expect(provider.asked.at(-1)?.key).toBe(first);
      await liesInOneFile(life, first);
      await livesInItsZone(life);
      await goesOutByItsHost(life);
      const person = await Talk.open(ground, life, record.port);

      const giveSecond = async () => {
        provider.key = second;
        await storeBot(ground, 'model', second);
        expect(await change(stage, models)).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
        expect(provider.asked.at(-1)?.key).toBe(second);
      };
      if (mayRestart) await giveSecond();
      else await isAnsweredMeanwhile({ provider, talk: person }, 'is the water warm', giveSecond);
      expect(person.closed === undefined || mayRestart).toBe(true);
      await liesInOneFile(life, second);

      await storeBot(ground, 'model', 'sk-wrong-5a17');
      expect(await change(stage, models)).toMatchObject({
        phase: 'ready',
        last: { outcome: 'undone', reason: expect.stringMatching(/^prove models: provider standin refuses the key/) },
      });
      expect(await inside(life, 'cat', keysPath)).toBe(`{"standin":"${second}"}`);
      if (!mayRestart) {
        await isDegradedUntilItsKeyIsStored(stage, spec);
        await person.isAnswered('is it still warm');
      }

      await takesOtherConfigs(stage, life);

      expect(await change(stage, 'none')).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
      expect(await inside(life, 'cat', keysPath)).toBe('{}');
      expect(await inside(life, 'cat', `${stateDirectory}/${configFile}`)).not.toMatch(/standin|creel/);
      expect(codes).toContain(person.closed);
      person.close();
    } finally {
      await stage.close();
    }
  }, 1_500_000);
});
