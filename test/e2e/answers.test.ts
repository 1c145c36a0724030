import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelProvider } from '../../src/dev/models/model-provider.js';
import type { GatewaySpec } from '../../src/domain/gateway/spec.js';
import { gatewayToken, masterKey } from '../../src/domain/keys/token.js';
import type { Models } from '../../src/domain/models/models.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { RealGround, testKey } from '../ground/real-ground.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { storeBot } from './outside/bot-api.js';
import { ControlChat } from './outside/control-chat.js';
import { isAnsweredMeanwhile } from './outside/halfway.js';
import { linkInto } from './outside/link.js';
import { repeating, standIn } from './outside/stand-in.js';
import { Talk } from './outside/talk.js';

const older = '2026.6.11';
const newer = '2026.9.6';
const patienceMs = 360_000;
const place = { provider: 'local', host: 'local' } as const;
const provider = new ModelProvider('sk-of-the-first-day');
let models: Models;
let ground: RealGround;

beforeAll(async () => {
  models = await standIn(provider);
  ground = new RealGround(await TestServer.start());
  await ground.startWorker();
  await storeBot(ground, 'own', provider.key);
});

afterAll(async () => {
  await ground?.close();
  await ground?.server.stop();
  await provider.close();
}, 120_000);

async function isReady(stage: Stage, release: string): Promise<void> {
  const { phase, reason, life } = await stage.settled(patienceMs);
  expect(`${phase}: ${reason}`).toBe('ready: ');
  expect(life?.spec.release).toBe(release);
}

async function alive(stage: Stage) {
  const { life, record } = await stage.settled(patienceMs);
  if (!life || !record) throw new Error('nothing lives');
  return { life, record };
}

/** Whoever opens its link is answered; an older release has none, and is opened with its token. */
async function answersInItsPage(stage: Stage, text: string): Promise<void> {
  const { life, record } = await alive(stage);
  const token = gatewayToken(masterKey(testKey), life.mark, life.tokenGeneration).reveal();
  const byToken = `http://127.0.0.1:${record.port}/#token=${token}`;
  const chat = await ControlChat.open(async () =>
    life.spec.release === older ? byToken : linkInto(ground, stage, life),
  );
  try {
    await chat.say(text);
    await chat.hears(repeating(text));
  } finally {
    await chat.close();
  }
}

/** It takes another key while an answer streams; nobody is dropped. */
async function takesAnotherKey(stage: Stage, talk: Talk, time: string): Promise<void> {
  await isAnsweredMeanwhile({ provider, talk }, `how warm is it, ${time}`, async () => {
    const key = `sk-changed-${time}`;
    provider.key = key;
    await storeBot(ground, 'own', key);
    await stage.request({ kind: 'change', requestId: randomUUID(), origin: 'test', place, models });
    expect(await stage.settled(patienceMs)).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
    expect(provider.asked.at(-1)?.key).toBe(key);
  });
  expect(talk.closed).toBeUndefined();
}

/** A key that its provider refuses is told with the cure, and the cure cures. */
async function isCuredOfAWrongKey(stage: Stage, spec: GatewaySpec, key: string): Promise<void> {
  provider.key = key;
  await stage.provision({ spec });
  expect(await stage.settled(patienceMs)).toMatchObject({
    phase: 'degraded',
    reason: expect.stringMatching(/^prove turn: provider own refuses the key .*`creel secret set own`/),
  });
  await storeBot(ground, 'own', key);
  await stage.provision({ spec });
  await isReady(stage, spec.release);
}

/** All that somebody with a model has of a gateway of the newer release. */
async function answers(stage: Stage, spec: GatewaySpec, time: string): Promise<void> {
  await answersInItsPage(stage, `is the water warm, ${time}`);
  const { life, record } = await alive(stage);
  const talk = await Talk.open(ground, life, record.port);
  try {
    await takesAnotherKey(stage, talk, time);
    await isCuredOfAWrongKey(stage, spec, `sk-mended-${time}`);
    await talk.isAnswered(`is it still warm, ${time}`);
  } finally {
    talk.close();
  }
}

it('a gateway answers, takes other keys and is cured of wrong ones after an upgrade and after a restore as before (S0-32)', async () => {
  const stage = new Stage(ground, defaultLimits);
  const spec = { ...testSpec, cpus: 2, models, keepStateMs: 3_600_000 };
  try {
    await stage.provision({ spec: { ...spec, release: older } });
    await isReady(stage, older);
    await answersInItsPage(stage, 'is the water warm');
    const asked = { release: newer, dev: true, retryFailed: false, readyMs: 150_000 };
    await stage.request({ kind: 'upgrade', requestId: 'newer', origin: 'test', place, ...asked });
    await isReady(stage, newer);
    await answers(stage, { ...spec, release: newer }, 'upgraded');

    await stage.remove();
    expect(await stage.settled(patienceMs)).toMatchObject({ phase: 'removed', left: [] });
    await stage.provision({ spec: { ...spec, release: newer }, how: 'restore' });
    await isReady(stage, newer);
    await answers(stage, { ...spec, release: newer }, 'restored');
  } finally {
    await stage.close();
  }
}, 1_500_000);
