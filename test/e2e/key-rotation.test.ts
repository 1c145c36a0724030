import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OpenclawDoor } from '../../src/adapters/openclaw/door.js';
import { localDial } from '../../src/adapters/hosts/local-dial.js';
import { gatewayToken, keyCheck, masterKey, operatorDevice, type MasterKey } from '../../src/domain/keys/token.js';
import { names, type Gateway } from '../../src/domain/gateway/gateway.js';
import { openSecrets } from '../../src/open-world.js';
import { openKey, openKeys } from '../../src/settings/key-file.js';
import { deploymentWorkflowId, taskQueue } from '../../src/wire/ids.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { layKey, testKeyFile } from '../world/test-keys.js';
import { connectCustomer, CustomerDevice, type CustomerClient } from './outside/gateway-client.js';
import { historyTexts, holds } from '../ground/hunt.js';
import { RealGround, testKey } from '../ground/real-ground.js';

const first = masterKey(testKey);
const secret = '123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

let ground: RealGround;
let stage: Stage;

beforeAll(async () => {
  ground = new RealGround(await TestServer.start(), taskQueue);
  stage = new Stage(ground, { ...defaultLimits, heartbeatMs: 1_500 });
  layKey(ground.root, testKey);
  const client = await stage.client();
  const { deployment } = ground;
  const memo = { deployment, layout: 1, keyId: first.id, keyCheck: keyCheck(first, deployment) };
  await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
  await ground.startWorker();
});

afterAll(async () => {
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

function creel(args: readonly string[], input = '') {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: ground.root,
    CREEL_KEY_FILE: testKeyFile(ground.root),
    TEMPORAL_ADDRESS: ground.server.address,
  };
  return execa(process.execPath, ['bin/creel.mjs', ...args], { env, extendEnv: false, reject: false, input });
}

/** What creel's own device of these generations is told from outside, under this key. */
async function knock(key: MasterKey, life: Gateway, port: number, token: { key: MasterKey; generation: number }) {
  const device = operatorDevice(key, life.mark, life.deviceGeneration);
  const shown = gatewayToken(token.key, life.mark, token.generation);
  const knocked = await door().knock({ place: life.place, port }, { token: shown, device, scopes: ['operator.admin'] });
  if (knocked.kind === 'open') knocked.session.close();
  return knocked.kind;
}

/** A device of a customer, paired as a person would inside, connected with its own token. */
async function pairedClient(life: Gateway, port: number): Promise<CustomerClient> {
  const [device, token] = [new CustomerDevice(), gatewayToken(first, life.mark, 1)];
  const asked = await connectCustomer(port, token.reveal(), device);
  if (asked.answer.ok || !asked.answer.requestId) throw new Error('a fresh device was let in');
  const inside = { place: life.place, container: names(life.mark).container, token };
  await door().callInside(inside, [{ method: 'device.pair.approve', params: { requestId: asked.answer.requestId } }]);
  const { client, answer } = await connectCustomer(port, token.reveal(), device);
  if (!answer.ok || !answer.deviceToken) throw new Error('a paired device got no token of its own');
  await client.close();
  return (await connectCustomer(port, answer.deviceToken, device)).client;
}

function door(): OpenclawDoor {
  return new OpenclawDoor({ dial: localDial, engineAt: () => ground.engine, signal: () => undefined });
}

it('a real gateway goes over to another master key: the old token and the old device refused, customers’ devices and secrets kept', async () => {
  await stage.provision({ spec: { ...testSpec, cpus: 2 } });
  const before = await stage.settled(180_000);
  expect(before).toMatchObject({ phase: 'ready', reason: '' });
  const { life, record } = before;
  if (!life || !record) throw new Error('nothing lives');
  expect((await creel(['secret', 'set', 'g42-telegram'], secret)).exitCode).toBe(0);
  const oldToken = gatewayToken(first, life.mark, 1).reveal();
  const customer = await pairedClient(life, record.port);

  const rotated = await creel(['key', 'rotate', '--yes', first.id]);
  expect({ code: rotated.exitCode, out: rotated.stdout + rotated.stderr }).toMatchObject({ code: 0 });
  const next = openKey(testKeyFile(ground.root));
  expect(next.id).not.toBe(first.id);
  expect(fs.existsSync(`${testKeyFile(ground.root)}.retired-${first.id}`)).toBe(true);

  const after = await stage.settled();
  expect(after).toMatchObject({ phase: 'ready', left: [], record: { keyId: next.id, port: record.port } });
  const now = after.life;
  expect(now).toMatchObject({ keyId: next.id, tokenGeneration: 2, deviceGeneration: 2 });
  if (!now) throw new Error('nothing lives');
  expect(await knock(next, now, record.port, { key: next, generation: 2 })).toBe('open');
  expect(await knock(first, life, record.port, { key: next, generation: 2 })).toBe('pairing required');
  expect(await knock(next, now, record.port, { key: first, generation: 1 })).toBe('wrong token');
  const stale = await connectCustomer(record.port, oldToken);
  expect(stale.answer).toMatchObject({ ok: false, code: 'AUTH_TOKEN_MISMATCH' });
  await stale.client.close();
  expect(await customer.isUp()).toBe(true);
  await customer.close();
  expect((await creel(['describe', stage.id])).exitCode).toBe(0);

  const files = { secretsFile: path.join(path.dirname(testKeyFile(ground.root)), 'secrets') };
  const store = openSecrets(files, () => openKeys(testKeyFile(ground.root)), ground.deployment);
  expect((await store.read('g42-telegram')).reveal()).toBe(secret);
  const newToken = gatewayToken(next, now.mark, 2).reveal();
  const keys = [testKey, fs.readFileSync(testKeyFile(ground.root), 'utf8').trim()];
  for (const [id, text] of await historyTexts(await stage.client()))
    for (const each of [oldToken, newToken, secret, ...keys]) expect(holds(text, each), id).toBe(false);
}, 400_000);

it('S4-43: what a real gateway logs is read, of one channel or none, and followed until the reader goes', async () => {
  const { life, record } = await stage.describe();
  if (!life || !record) throw new Error('nothing lives');
  const shown = await creel(['logs', stage.id, '--since', '1h']);
  expect(shown.exitCode).toBe(0);
  expect(shown.stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+ \[gateway\] ready/m);
  const { stdout } = await execa('docker', ['logs', names(life.mark).container], { all: true });
  expect(shown.stdout.split('\n').length).toBeGreaterThanOrEqual(stdout.split('\n').length);
  expect((await creel(['logs', stage.id, '--since', '1h', '--channel', 'slack'])).stdout).not.toContain(
    '[gateway] ready',
  );

  const follower = creel(['logs', stage.id, '-f', '--tail', '0', '--json']);
  const lines = createInterface(follower.stdout)[Symbol.asyncIterator]();
  const knocking = setInterval(
    () => void connectCustomer(record.port, 'not-the-token').then(({ client }) => client.close()),
    3_000,
  );
  const first = await lines.next();
  clearInterval(knocking);
  expect(JSON.parse(String(first.value))).toMatchObject({ gateway: stage.id, text: expect.stringContaining('[ws]') });
  follower.kill('SIGINT');
  expect((await follower).exitCode).toBe(130);
}, 120_000);
