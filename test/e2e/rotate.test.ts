import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { OpenclawDoor } from '../../src/adapters/openclaw/door.js';
import { localDial } from '../../src/adapters/hosts/local-dial.js';
import { names, type Gateway } from '../../src/domain/gateway/gateway.js';
import { newRecipient } from '../../src/domain/keys/seal.js';
import { gatewayToken, masterKey } from '../../src/domain/keys/token.js';
import { lookWorkflowId } from '../../src/wire/ids.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { Proof } from '../../src/wire/operation.js';
import { registry } from '../../src/workflows/operations.js';
import { rotateSteps } from '../../src/workflows/rotate/operation.js';
import { atLength } from '../ground/at-length.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { connectCustomer, CustomerDevice, type CustomerClient } from './outside/gateway-client.js';
import { historyTexts, holds } from '../ground/hunt.js';
import { Owner } from '../ground/lived-in.js';
import { RealGround, testKey } from '../ground/real-ground.js';

const long = atLength(it);

const spec = { ...testSpec, cpus: 2 };
const readyMs = 180_000;

let ground: RealGround;
const stages: Stage[] = [];
const pollers: NodeJS.Timeout[] = [];

beforeAll(async () => {
  ground = new RealGround(await TestServer.start());
  await ground.keepWorker();
});

afterEach(async () => {
  for (const poller of pollers.splice(0)) clearInterval(poller);
  for (const stage of stages.splice(0)) await stage.close();
  await ground.clear();
});

afterAll(async () => {
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

/** A gateway with its port, as a customer's programs know it. */
class Rented {
  readonly stage: Stage;
  readonly life: Gateway;
  readonly port: number;

  constructor(stage: Stage, life: Gateway, port: number) {
    this.stage = stage;
    this.life = life;
    this.port = port;
  }

  token(generation: number): string {
    return gatewayToken(masterKey(testKey), this.life.mark, generation).reveal();
  }

  /** Pairs a device as a person would: it asks, somebody approves inside, it comes back; then it uses the device's own token. */
  async pairedClient(generation: number): Promise<{ client: CustomerClient; device: CustomerDevice; token: string }> {
    const device = new CustomerDevice();
    const asked = await connectCustomer(this.port, this.token(generation), device);
    if (asked.answer.ok || !asked.answer.requestId) throw new Error('a fresh device was let in');
    const door = new OpenclawDoor({ dial: localDial, engineAt: () => ground.engine, signal: () => undefined });
    const token = gatewayToken(masterKey(testKey), this.life.mark, generation);
    const inside = { place: this.life.place, container: names(this.life.mark).container, token };
    const params = { requestId: asked.answer.requestId };
    await door.callInside(inside, [{ method: 'device.pair.approve', params }]);
    const first = await connectCustomer(this.port, this.token(generation), device);
    if (!first.answer.ok || !first.answer.deviceToken) throw new Error('a paired device got no token of its own');
    await first.client.close();
    const { client, answer } = await connectCustomer(this.port, first.answer.deviceToken, device);
    expect(answer).toMatchObject({ ok: true });
    return { client, device, token: first.answer.deviceToken };
  }

  /** A program that nobody told: it knocks with the first token for ever. */
  keepPolling(everyMs: number): void {
    const knock = async () => (await connectCustomer(this.port, this.token(1))).client.close();
    pollers.push(setInterval(() => void knock(), everyMs));
  }

  /** What a customer's program is told with a token. */
  async judged(generation: number): Promise<string> {
    const { client, answer } = await connectCustomer(this.port, this.token(generation));
    await client.close();
    return answer.ok ? 'let in' : answer.code;
  }
}

async function rent(release = '2026.9.6'): Promise<Rented> {
  const stage = new Stage(ground, { ...defaultLimits, heartbeatMs: 1_500 });
  stages.push(stage);
  await stage.provision({ spec: { ...spec, release } });
  const { phase, life, record } = await stage.settled(readyMs);
  if (phase !== 'ready' || !life || !record) throw new Error(`the gateway is ${phase}`);
  return new Rented(stage, life, record.port);
}

it('under 50 clients, with a program that nobody told: shared sessions end, device sessions stay, and no token is anywhere', async () => {
  const rented = await rent();
  const shared = await Promise.all(Array.from({ length: 25 }, () => connectCustomer(rented.port, rented.token(1))));
  const paired = [];
  for (let count = 0; count < 25; count += 1) paired.push(await rented.pairedClient(1));
  rented.keepPolling(1_000);

  const { workflowId } = await rented.stage.rotate();
  const { proofs } = (await rented.stage.result(workflowId)) as { proofs: Proof[] };
  expect(await rented.stage.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 2 } });
  expect(await rented.judged(2)).toBe('let in');
  expect(shared.map(({ client }) => client.closeCode)).toEqual(shared.map(() => 4001));
  expect(await Promise.all(paired.map(({ client }) => client.isUp()))).toEqual(paired.map(() => true));
  expect(proofs.find(({ step }) => step === 'apply token')?.proof).toMatch(
    /closed \(4001\), a device session still up/,
  );
  expect(proofs.find(({ step }) => step === 'name devices')?.proof).toMatch(/^not approved by creel, still let in: /);

  const { workflowId: evicting } = await rented.stage.rotate({ evict: true });
  const audit = ((await rented.stage.result(evicting)) as { proofs: Proof[] }).proofs;
  const list = audit.find(({ step }) => step === 'list devices')?.proof ?? '';
  expect(list).toMatch(/^must pair again: /);
  expect(paired.filter(({ device }) => !list.includes(device.id.slice(0, 12)))).toEqual([]);
  expect(audit.find(({ step }) => step === 'close sessions')?.proof).toMatch(
    /shut out \(26\), listed with no session open; a session of creel’s previous device was seen to close$/,
  );
  expect(paired.map(({ client }) => client.closeCode)).toEqual(paired.map(() => 4001));
  const again = await connectCustomer(rented.port, rented.token(3), paired[0]?.device);
  expect(again.answer).toMatchObject({ ok: false, code: 'PAIRING_REQUIRED' });

  const recipient = await newRecipient();
  const { life } = await rented.stage.describe();
  if (!life) throw new Error('nothing lives');
  const handle = await (
    await rented.stage.client()
  ).workflow.start('tokenGateway', {
    workflowId: lookWorkflowId(rented.stage.id, life.mark.birth, 'token', '1'),
    taskQueue: ground.queue,
    args: [{ gateway: life, recipient: recipient.publicKey, who: 'test', limits: defaultLimits }],
  });
  const sealed = (await handle.result()) as string;
  expect((await recipient.open(sealed, `creel token show ${rented.stage.id}`)).reveal()).toBe(rented.token(3));
  const texts = await historyTexts(await rented.stage.client());
  for (const [id, text] of texts)
    for (const generation of [1, 2, 3]) expect(holds(text, rented.token(generation)), id).toBe(false);
  for (const { client } of [...shared, ...paired, again]) await client.close();
}, 300_000);

it('ends though the worker was killed after every one of its steps, a program without the news knocking all the time', async () => {
  const rented = await rent();
  const { client } = await rented.pairedClient(1);
  rented.keepPolling(2_000);
  for (const step of rotateSteps) rented.stage.interfere(registry[step]?.do ?? '', 'crash after');
  await rented.stage.rotate();
  expect(await rented.stage.settled(290_000)).toMatchObject({ phase: 'ready', left: [], life: { tokenGeneration: 2 } });
  rented.stage.demandCrashes();
  expect(await client.isUp()).toBe(true);
  for (const poller of pollers.splice(0)) clearInterval(poller);
  await client.close();
}, 400_000);

long(
  'of release 2026.6.11, which takes nothing up while it runs: restarted, the old token refused, its devices and all that its owner left kept',
  async () => {
    const rented = await rent('2026.6.11');
    const owner = new Owner(names(rented.life.mark).container, rented.port);
    const lived = await owner.moveIn('2026.6.11', rented.token(1));
    expect(lived.phone).toEqual(['node', 'operator']);
    const { device, token } = await rented.pairedClient(1);
    await rented.stage.rotate();
    expect(await rented.stage.settled(120_000)).toMatchObject({
      phase: 'ready',
      left: [],
      life: { tokenGeneration: 2 },
    });
    expect(await rented.judged(2)).toBe('let in');
    expect(await rented.judged(1)).toBe('AUTH_TOKEN_MISMATCH');
    expect(await owner.traces(rented.token(2))).toEqual(lived);
    const { client, answer } = await connectCustomer(rented.port, token, device);
    expect(answer).toMatchObject({ ok: true });
    const { workflowId } = await rented.stage.rotate({ evict: true });
    const { proofs } = (await rented.stage.result(workflowId)) as { proofs: Proof[] };
    expect(proofs.find(({ step }) => step === 'list devices')?.proof).toContain(device.id.slice(0, 12));
    expect(proofs.find(({ step }) => step === 'close sessions')?.proof).toMatch(
      /shut out \(3\), listed with no session open, by a release that does not list every session/,
    );
    expect(await rented.stage.settled(120_000)).toMatchObject({
      phase: 'ready',
      left: [],
      life: { tokenGeneration: 3 },
    });
    expect(client.closeCode).toBeDefined();
    const again = await connectCustomer(rented.port, rented.token(3), device);
    expect(again.answer).toMatchObject({ ok: false, code: 'PAIRING_REQUIRED' });
    expect(await owner.traces(rented.token(3))).toEqual({ ...lived, phone: [] });
  },
  400_000,
);

it('of a gateway whose customer set a token himself is refused with the places named, and reclaimed when asked to', async () => {
  const rented = await rent();
  const { id } = (await ground.engine.findContainer(names(rented.life.mark).container)) ?? { id: 'gone' };
  const command = ['openclaw', 'config', 'set', 'gateway.auth.token', 'the-customers-own-token-0123456789'];
  expect((await ground.engine.exec(id, { command, input: '', timeoutMs: 60_000 })).exitCode).toBe(0);
  await expect.poll(() => rented.judged(1), { timeout: 60_000, interval: 500 }).toBe('AUTH_TOKEN_MISMATCH');
  const { workflowId } = await rented.stage.rotate();
  await expect(rented.stage.result(workflowId)).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/more than one source of truth.*gateway\.auth\.token.*--reclaim/s) },
  });
  const refused = await rented.stage.settled();
  expect(refused).toMatchObject({ phase: 'degraded', life: { tokenGeneration: 1 } });
  expect(refused.reason).toMatch(/refuses the token of generation 1/);
  await rented.stage.rotate({ reclaim: true });
  expect(await rented.stage.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 3 } });
  expect(await rented.judged(3)).toBe('let in');
}, 300_000);
