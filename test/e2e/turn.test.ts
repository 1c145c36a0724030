import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OpenclawDoor } from '../../src/adapters/openclaw/door.js';
import { localDial } from '../../src/adapters/hosts/local-dial.js';
import { ModelProvider } from '../../src/dev/models/model-provider.js';
import { inviteTo } from '../../src/client/invite.js';
import { frontDoor } from '../../src/front/door.js';
import { names, type Gateway } from '../../src/domain/gateway/gateway.js';
import { gatewayToken, masterKey } from '../../src/domain/keys/token.js';
import type { GatewaySpec } from '../../src/domain/gateway/spec.js';
import { guestPath } from '../../src/wire/invitation.js';
import { taskQueue } from '../../src/wire/ids.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { OperationResult } from '../../src/wire/operation.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { RealGround, testKey } from '../ground/real-ground.js';
import { testSpec } from '../world/open-test-world.js';
import { BotApi, storeBot } from './outside/bot-api.js';
import { ControlChat } from './outside/control-chat.js';
import { linkInto } from './outside/link.js';
import { repeating, standIn } from './outside/stand-in.js';

const readyMs = 240_000;
const sessionList = z.object({ sessions: z.array(z.object({ key: z.string() })) });

/** A gateway in whose spec stands a model of the provider that stands in, for the whole file. */
const provider = new ModelProvider('sk-of-the-customer');
let ground: RealGround;
let stage: Stage;
let spec: GatewaySpec;

beforeAll(async () => {
  const models = await standIn(provider);
  spec = { ...testSpec, cpus: 2, models };
  ground = new RealGround(await TestServer.start(), taskQueue);
  stage = new Stage(ground, defaultLimits);
  await ground.startWorker();
  await storeBot(ground, 'own', provider.key);
}, readyMs);

afterAll(async () => {
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
  await provider.close();
}, 120_000);

async function provision(): Promise<OperationResult> {
  const { workflowId } = await stage.provision({ spec });
  const result = await stage.result(workflowId);
  return result as OperationResult;
}

async function life(): Promise<Gateway> {
  const found = await stage.settled(readyMs);
  if (!found.life) throw new Error('the gateway has no life on record');
  return found.life;
}

/** The sessions that the gateway has. */
async function sessions(): Promise<string[]> {
  const gateway = await life();
  const token = gatewayToken(masterKey(testKey), gateway.mark, gateway.tokenGeneration);
  const door = new OpenclawDoor({ dial: localDial, engineAt: () => ground.engine, signal: () => undefined });
  const inside = { place: gateway.place, container: names(gateway.mark).container, token };
  const knock = await door.callInside(inside, [{ method: 'sessions.list', params: {} }]);
  const answer = knock.kind === 'open' ? knock.answers[0] : undefined;
  return sessionList.parse(answer?.ok && answer.payload).sessions.map(({ key }) => key);
}

describe('a real gateway with a model (S0-32)', () => {
  it('is ready once a message was answered, by one turn, of which nothing stays', { timeout: readyMs }, async () => {
    const { proofs } = await provision();
    expect(await stage.settled(readyMs)).toMatchObject({ phase: 'ready', skipped: [] });
    const turn = proofs?.find(({ step }) => step === 'prove turn')?.proof;
    expect(turn).toMatch(/^answered by own\/echo-1 in /);
    expect(provider.asked).toEqual([
      { model: 'echo-1', key: provider.key, said: expect.stringMatching(/^This is creel/) },
    ]);
    expect(await sessions()).toEqual([]);
  });

  it('answers whoever opens its link, in the Control UI', { timeout: readyMs }, async () => {
    const chat = await ControlChat.open(async () => linkInto(ground, stage, await life()));
    try {
      await chat.say('is the water warm');
      await chat.hears('is what you said.');
    } finally {
      await chat.close();
    }
  });

  it('lets its customer in by an invitation, on a phone, and answers (K-2)', { timeout: readyMs }, async () => {
    const client = await stage.client();
    const nobody = { plans: { find: () => undefined, all: [] }, stripe: [], webhook: [], tell: async () => undefined };
    const front = frontDoor({ ...nobody, client, isServed: async () => true });
    const address = await front.listen({ host: '127.0.0.1', port: 0 });
    const invited = async () =>
      `${address}${guestPath}/${stage.id}/${(await inviteTo(client, stage.id, readyMs, 'e2e')).secret}`;
    const chat = await ControlChat.invited(invited);
    try {
      await chat.say('is it deep');
      await chat.hears('is what you said.');
    } finally {
      await chat.close();
      await front.close();
    }
  });

  it(
    'is degraded when its key is refused, with the cure, and ready when the cure was given',
    { timeout: readyMs },
    async () => {
      provider.key = 'sk-of-next-month';
      await stage.provision({ spec });
      expect(await stage.settled(readyMs)).toMatchObject({
        phase: 'degraded',
        reason: expect.stringMatching(
          /^prove turn: provider own refuses the key .*HTTP 401.*`creel secret set own`, then `creel provision/,
        ),
      });
      await storeBot(ground, 'own', provider.key);
      await stage.provision({ spec });
      expect(await stage.settled(readyMs)).toMatchObject({ phase: 'ready', reason: '' });
      expect(provider.asked.at(-1)).toMatchObject({ key: provider.key, said: expect.stringMatching(/^This is creel/) });
    },
  );

  it(
    'is degraded where its provider never comes to an end, and nothing of the turn stays',
    { timeout: 2 * readyMs },
    async () => {
      const before = await sessions();
      provider.mood = 'endless';
      await stage.provision({ spec });
      expect(await stage.settled(2 * readyMs)).toMatchObject({
        phase: 'degraded',
        reason: expect.stringMatching(/^prove turn/),
      });
      expect(await sessions()).toEqual(before);
      provider.mood = 'answers';
      await stage.provision({ spec });
      expect(await stage.settled(readyMs)).toMatchObject({ phase: 'ready', reason: '' });
      expect(await sessions()).toEqual(before);
    },
  );

  it(
    'tells a stranger a code, and answers them once they were let in by it (S2-46)',
    { timeout: readyMs },
    async () => {
      const api = await new BotApi().open();
      const place = { provider: 'local', host: 'local' } as const;
      const stranger = 4_711;
      const written = () => api.written.filter(({ chat }) => chat === String(stranger)).map(({ text }) => text);
      try {
        await storeBot(ground, 'bot', `123456789:${'A'.repeat(35)}`);
        await api.answer(ground, await life());
        const telegram = {
          kind: 'telegram',
          secrets: { botToken: 'secret:bot' },
          allowFrom: [],
          pairSenders: true,
        } as const;
        await stage.request({ kind: 'change', requestId: 'bot', origin: 'test', place, channels: [telegram] });
        expect(await stage.settled(readyMs)).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });

        api.write(stranger, 'let me in');
        const told = () => /\b[A-HJ-NP-Z2-9]{8}\b/.exec(written().join(' '))?.[0];
        await expect.poll(told, { timeout: 90_000 }).toBeDefined();
        const code = told() ?? '';
        await stage.request({ kind: 'pair-sender', requestId: 'stranger', origin: 'test', place, code });
        expect(await stage.settled(readyMs)).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
        api.write(stranger, 'is the water warm there');
        await expect.poll(() => written().at(-1), { timeout: 90_000 }).toContain(repeating('is the water warm there'));
        expect(provider.asked.map(({ said }) => said).join(' ')).not.toContain('let me in');
      } finally {
        await api.close();
      }
    },
  );
});
