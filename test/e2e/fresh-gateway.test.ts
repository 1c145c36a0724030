import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import Dockerode from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OpenclawDoor } from '../../src/adapters/openclaw/door.js';
import { localDial } from '../../src/adapters/hosts/local-dial.js';
import { configFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { replacementNames } from '../../src/domain/changes/replacement.js';
import { markLabels, names, type Gateway, type Mark, type Names } from '../../src/domain/gateway/gateway.js';
import { newRecipient } from '../../src/domain/keys/seal.js';
import { Secret } from '../../src/domain/secret.js';
import { deviceFrom, gatewayToken, masterKey, operatorDevice, type Device } from '../../src/domain/keys/token.js';
import type { Knock } from '../../src/ports/gateway-door.js';
import { lookWorkflowId } from '../../src/wire/ids.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { OpenResult } from '../../src/wire/operation.js';
import type { ReconcileResult } from '../../src/wire/reconcile.js';
import type { SweepResult } from '../../src/wire/sweep.js';
import type { GatewayRecord } from '../../src/domain/gateway/reading.js';
import { foundSocket } from '../ground/found.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { openControlUi } from './outside/control-ui.js';
import { ArgumentWatch, historyTexts, holds } from '../ground/hunt.js';
import { RealGround, testKey } from '../ground/real-ground.js';

const spec = { ...testSpec, cpus: 2, diskMb: 2_048, keepStateMs: 3_600_000 };
const readyMs = 240_000;
const scopes = ['operator.admin'];
const configPath = `${stateDirectory}/${configFile}`;

const docker = new Dockerode({ socketPath: foundSocket() });
const deviceList = z.object({
  pending: z.array(z.object({ deviceId: z.string() })),
  paired: z.array(
    z.object({
      deviceId: z.string(),
      clientId: z.string(),
      scopes: z.array(z.string()),
      approvedVia: z.string().optional(),
      approvedAtMs: z.number(),
    }),
  ),
});
const engineEvent = z.object({
  Action: z.string(),
  Actor: z.object({ Attributes: z.object({ exitCode: z.string().optional() }) }),
});
const auditReport = z.object({
  summary: z.object({ critical: z.number(), warn: z.number() }),
  findings: z.array(z.object({ severity: z.string(), checkId: z.string() })),
});

/** One real gateway, provisioned through Temporal, for the whole file: each test leaves it ready for the next. */
let ground: RealGround;
let stage: Stage;
let watch: ArgumentWatch;
let life: Gateway;
let own: Names;
let record: GatewayRecord;
let token: Secret;
let device: Device;
let link: string;

beforeAll(async () => {
  process.env['TEST_LOG'] = 'info';
  watch = new ArgumentWatch();
  ground = new RealGround(await TestServer.start());
  stage = new Stage(ground, defaultLimits);
  await ground.startWorker();
  await stage.provision({ spec });
  await readRecord();
  own = names(life.mark);
  token = gatewayToken(masterKey(testKey), life.mark, life.tokenGeneration);
  device = operatorDevice(masterKey(testKey), life.mark, life.deviceGeneration);
}, readyMs + 30_000);

afterAll(async () => {
  watch.stop();
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

/** Waits until the operation has ended well, and keeps what is on record then. */
async function readRecord(): Promise<void> {
  const found = await stage.settled(readyMs);
  expect(found).toMatchObject({ phase: 'ready', skipped: [], left: [] });
  if (!found.life || !found.record) throw new Error('a ready gateway has no record');
  life = found.life;
  record = found.record;
}

function door(): OpenclawDoor {
  return new OpenclawDoor({ dial: localDial, engineAt: () => ground.engine, signal: () => undefined });
}

function knock(as: { token: Secret; device: Device | undefined }): Promise<Knock> {
  return door().knock({ place: life.place, port: record.port }, { ...as, scopes });
}

/** Calls one method as creel's own device, from outside. */
async function call(method: string): Promise<unknown> {
  const knocked = await knock({ token, device });
  if (knocked.kind !== 'open') throw new Error(`creel's device is not let in: ${knocked.kind}`);
  try {
    return await knocked.session.call(method, {});
  } finally {
    knocked.session.close();
  }
}

/** What the engine saw of a container's end, in order, with the exit code of its process. */
async function endsOf(container: string, since: number): Promise<string[]> {
  const filters = JSON.stringify({ type: ['container'], container: [container], event: ['die', 'destroy'] });
  const until = Math.ceil(Date.now() / 1000) + 1;
  const lines = await text(await docker.getEvents({ since, until, filters }));
  const events = lines
    .trim()
    .split('\n')
    .map((line) => engineEvent.parse(JSON.parse(line)));
  return events.map(({ Action, Actor }) => `${Action} ${Actor.Attributes.exitCode ?? ''}`);
}

/** The pairing of creel's own device, with the moment it was approved: another one would be another pairing. */
async function ownPairing(): Promise<unknown> {
  const { paired } = deviceList.parse(await call('device.pair.list'));
  return paired.find(({ deviceId }) => deviceId === device.id);
}

async function inside(...command: string[]): Promise<string> {
  const { id } = (await ground.engine.findContainer(own.container)) ?? { id: 'gone' };
  const { exitCode, stdout, stderr } = await ground.engine.exec(id, { command, input: '', timeoutMs: 60_000 });
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: exit ${exitCode} ${stderr}`);
  return stdout;
}

async function configHash(): Promise<string> {
  const { id } = (await ground.engine.findContainer(own.container)) ?? { id: 'gone' };
  const text = (await ground.engine.readFile(id, configPath)) ?? 'none';
  return createHash('sha256').update(text).digest('hex');
}

describe('a freshly provisioned gateway', () => {
  it('is one container, one network and one volume, proved by a paired device with operator.admin (S0-24)', async () => {
    expect(await ground.leftovers()).toEqual(stage.expected(life.mark.birth));
    expect(record).toMatchObject({ version: '2026.9.6', operatorScopes: scopes, volume: own.volume });
  });

  it('has its state counted, which is far from its disk (S0-34)', () => {
    expect(record.stateBytes).toBeGreaterThan(64 * 1024);
    expect(record.stateBytes).toBeLessThan(1024 ** 3);
    expect(record.findings).toBeUndefined();
  });

  it('has the container that was promised: hardened, limited, loopback only (S0-23, S3-20, S3-28, S4-14)', async () => {
    const { HostConfig, Config, NetworkSettings } = await docker.getContainer(own.container).inspect();
    const memory = spec.memoryMb * 1024 ** 2;
    expect(HostConfig).toMatchObject({
      Init: true,
      Privileged: false,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Memory: memory,
      MemorySwap: memory,
      NanoCpus: 2e9,
      PidsLimit: 512,
      RestartPolicy: { Name: 'always' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      NetworkMode: own.network,
    });
    expect(HostConfig.CapAdd ?? []).toEqual([]);
    expect(Object.keys(HostConfig.Tmpfs ?? {}).toSorted()).toEqual(['/home/node/.cache', '/tmp']);
    expect(Config).toMatchObject({ Hostname: own.container, User: 'node', Labels: markLabels(life.mark) });
    expect(Config.Healthcheck).toMatchObject({ StartPeriod: 45e9, Interval: 30e9, Timeout: 5e9, Retries: 5 });
    expect(NetworkSettings.Ports).toEqual({ '18789/tcp': [{ HostIp: '127.0.0.1', HostPort: String(record.port) }] });
    expect(Object.keys(NetworkSettings.Networks)).toEqual([own.network]);
  });

  it('marks its volume and its network too', async () => {
    expect(await docker.getVolume(own.volume).inspect()).toMatchObject({ Labels: markLabels(life.mark) });
    expect(await docker.getNetwork(own.network).inspect()).toMatchObject({ Labels: markLabels(life.mark) });
  });

  it('keeps its config from every other user (S4-9)', async () => {
    expect((await inside('stat', '-c', '%a %u', configPath)).trim()).toBe('600 1000');
    expect((await inside('stat', '-c', '%a %u', stateDirectory)).trim()).toBe('700 1000');
  });

  it('gives openclaw’s own security audit nothing to find', async () => {
    const report = auditReport.parse(JSON.parse(await inside('openclaw', 'security', 'audit', '--json')));
    expect(report.findings.filter(({ severity }) => severity === 'critical' || severity === 'warn')).toEqual([]);
    expect(report.summary).toMatchObject({ critical: 0, warn: 0 });
  });

  it('lets nobody in who has no device, and nobody at all with a wrong token (S0-11)', async () => {
    const stranger = deviceFrom(randomBytes(32));
    expect(await knock({ token: new Secret(randomBytes(32).toString('base64url')), device: stranger })).toEqual({
      kind: 'wrong token',
    });
    expect(await knock({ token, device: stranger })).toMatchObject({ kind: 'pairing required' });
    const withoutDevice = await knock({ token, device: undefined });
    if (withoutDevice.kind !== 'open') throw new Error(`without a device: ${withoutDevice.kind}`);
    expect(withoutDevice.session.hello.scopes).toEqual([]);
    await expect(withoutDevice.session.call('device.pair.list', {})).rejects.toThrow('missing scope');
    withoutDevice.session.close();
  });

  it('has creel’s own device paired, and no other (S0-11)', async () => {
    const { paired } = deviceList.parse(await call('device.pair.list'));
    expect(paired).toMatchObject([{ deviceId: device.id, scopes }]);
  });
});

describe('the link of creel open', () => {
  it('opens a Control UI that is connected, once', async () => {
    const client = await stage.client();
    const recipient = await newRecipient();
    const handle = await client.workflow.start('openGateway', {
      workflowId: lookWorkflowId(stage.id, life.mark.birth, 'open', randomBytes(4).toString('hex')),
      taskQueue: ground.queue,
      args: [{ gateway: life, recipient: recipient.publicKey, limits: defaultLimits }],
    });
    const { sealed, expiresAt }: OpenResult = await handle.result();
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now() + 60_000);
    link = (await recipient.open(sealed, `creel open ${stage.id}`)).reveal();
    expect(new URL(link).origin).toBe(`http://127.0.0.1:${record.port}`);

    expect(await openControlUi(link, record.version)).toBe('connected');
    const paired = deviceList
      .parse(await call('device.pair.list'))
      .paired.filter(({ deviceId }) => deviceId !== device.id);
    expect(paired).toMatchObject([{ clientId: 'openclaw-control-ui', approvedVia: 'bootstrap' }]);
    expect(await openControlUi(link, record.version)).toBe('rejected');
    expect(deviceList.parse(await call('device.pair.list')).paired).toHaveLength(2);
  });
});

/** One run over every engine of the deployment, as a schedule starts it. */
async function overEngines<T>(workflow: 'sweep' | 'reconcile', args: { readonly dryRun: boolean }): Promise<T> {
  const workflowId = `${workflow}/${randomBytes(4).toString('hex')}`;
  return (await stage.client()).workflow.execute(workflow, { workflowId, taskQueue: ground.queue, args: [args] });
}

describe('a sweep', () => {
  it('takes what an operation has left behind, names and leaves what no record speaks for, and leaves the gateway', async () => {
    const volumeOf = (mark: Mark, name: string) => ({ name, labels: markLabels(mark) });
    const nobodys = { ...life.mark, gateway: 'gnobody' };
    const lost = names(nobodys).volume;
    const { trial } = replacementNames(life.mark);
    await ground.engine.createVolume(volumeOf(life.mark, trial));
    await ground.engine.createVolume(volumeOf(nobodys, lost));
    const { startedAt } = (await ground.engine.findContainer(own.container)) ?? {};
    const planned = await overEngines<SweepResult>('sweep', { dryRun: true });
    expect(planned).toMatchObject({ removed: [{ name: trial }], reported: [{ name: lost }], stopped: [] });
    expect(await ground.leftovers()).toEqual(expect.arrayContaining([`volume ${trial}`, `volume ${lost}`]));
    expect(await overEngines<SweepResult>('sweep', { dryRun: false })).toMatchObject({
      outcome: 'done',
      removed: [{ name: trial }],
      reported: [{ name: lost, lost: true }],
    });
    expect(await ground.leftovers()).toEqual([...stage.expected(life.mark.birth), `volume ${lost}`].toSorted());
    expect(await ground.engine.findContainer(own.container)).toMatchObject({ state: 'running', startedAt });
    await ground.engine.removeVolume(lost);
  });
});

describe('what happens behind its back', () => {
  it('a killed container is started again by the next provision, with the same token and the same pairing (S3-4)', async () => {
    const before = { ...record, pairing: await ownPairing() };
    await docker.getContainer(own.container).kill();
    expect(await stage.provision({ spec })).toMatchObject({ kind: 'repair', birth: life.mark.birth });
    await readRecord();
    expect(record).toMatchObject({ containerId: before.containerId, port: before.port, subnet: before.subnet });
    expect(await ownPairing()).toEqual(before.pairing);
    expect(await ground.leftovers()).toEqual(stage.expected(life.mark.birth));
  });

  it('a removed container is made again by the next provision, with the same token and the same pairing (S3-4)', async () => {
    const before = { ...record, pairing: await ownPairing() };
    expect(await overEngines<ReconcileResult>('reconcile', { dryRun: true })).toMatchObject({ ready: 1, drifted: [] });
    await docker.getContainer(own.container).remove({ force: true });
    expect(await overEngines<ReconcileResult>('reconcile', { dryRun: true })).toMatchObject({
      drifted: [{ gateway: stage.id, drifts: [expect.stringContaining(own.container)] }],
    });
    await stage.provision({ spec });
    await readRecord();
    expect(record).toMatchObject({ port: before.port, subnet: before.subnet, volume: before.volume });
    expect(record.containerId).not.toBe(before.containerId);
    expect(await ownPairing()).toEqual(before.pairing);
    expect(await ground.leftovers()).toEqual(stage.expected(life.mark.birth));
  });

  it('a restart leaves config and token as they are (S0-17, S0-18)', async () => {
    const before = { hash: await configHash(), pairing: await ownPairing() };
    await docker.getContainer(own.container).restart({ t: 30 });
    await expect.poll(ownPairing, { timeout: readyMs, interval: 500 }).toEqual(before.pairing);
    expect(await configHash()).toBe(before.hash);
  });
});

describe('the end of it', () => {
  it('a removal lets the gateway end by itself (S4-20) and keeps the state; a restore takes it up: same birth, same token, same pairing', async () => {
    const pairing = await ownPairing();
    const since = Math.floor(Date.now() / 1000);
    await stage.remove();
    const removed = await stage.settled(readyMs);
    const ends = await endsOf(own.container, since);
    expect(ends.slice(0, 2)).toEqual(['die 0', 'destroy ']);
    // What reads the state's mark afterwards bears the name, and never runs.
    expect(ends.slice(2).filter((end) => end !== 'destroy ')).toEqual([]);
    expect(removed).toMatchObject({ phase: 'removed', left: [], life: { mark: { birth: life.mark.birth } } });
    expect(Date.parse(removed.stateKeptUntil ?? '')).toBeGreaterThan(Date.now());
    expect(await ground.leftovers()).toEqual([`volume ${own.volume}`]);

    const restored = await stage.provision({ spec, how: 'restore' });
    expect(restored).toMatchObject({ kind: 'restore', birth: life.mark.birth });
    await readRecord();
    expect(await ownPairing()).toEqual(pairing);
    expect(await ground.leftovers()).toEqual(stage.expected(life.mark.birth));
  });

  it('its token was in no history, no log, no process argument, and is in nothing that docker inspect shows', async () => {
    const [container, volume, network] = await Promise.all([
      docker.getContainer(own.container).inspect(),
      docker.getVolume(own.volume).inspect(),
      docker.getNetwork(own.network).inspect(),
    ]);
    const image = await docker.getImage(container.Image).inspect();
    const places = {
      histories: [...(await historyTexts(await stage.client())).values()].join('\n'),
      log: fs.readFileSync(path.join(ground.root, 'worker.log'), 'utf8'),
      arguments: watch.stop(),
      inspect: JSON.stringify([container, volume, network, image]),
      'gateway log': await ground.engine.lastLog(container.Id, 10_000),
    };
    const where = (text: string) =>
      Object.entries(places).flatMap(([place, content]) => (holds(content, text) ? [place] : []));

    const bootstrapToken = new URLSearchParams(new URL(link).hash.slice(1)).get('bootstrapToken') ?? '';
    expect(bootstrapToken.length).toBeGreaterThan(10);
    for (const secret of [token.reveal(), testKey, bootstrapToken]) expect(where(secret)).toEqual([]);

    // What is known to be there is found, so that nothing found means something.
    expect(where(stage.id)).toEqual(expect.arrayContaining(['histories', 'log', 'inspect']));
    expect(where(ground.deployment)).toEqual(expect.arrayContaining(['histories', 'arguments', 'inspect']));
    expect(where('--input-type=module')).toContain('arguments');
    expect(where('listening')).toContain('gateway log');
    const hidden = [0, 1, 2].map((shift) => Buffer.from(`${'x'.repeat(shift)}${token.reveal()}y`).toString('base64'));
    for (const text of hidden) expect(holds(text, token.reveal())).toBe(true);
  });

  it('a removal with purge leaves nothing', async () => {
    await stage.remove({ purge: true });
    const removed = await stage.settled(readyMs);
    expect(removed).toMatchObject({ phase: 'removed', left: [] });
    expect(removed.stateKeptUntil).toBeUndefined();
    expect(await ground.leftovers()).toEqual([]);
  });
});
