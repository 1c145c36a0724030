import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Sender } from '../../../src/domain/channels/paired-senders.js';
import { NotYet } from '../../../src/domain/errors.js';
import { Secret } from '../../../src/domain/secret.js';
import { deviceFrom, type Device } from '../../../src/domain/keys/token.js';
import {
  RpcError,
  type Address,
  type Answer,
  type GatewayDoor,
  type Inside,
  type InsideKnock,
  type Knock,
  type Session,
} from '../../../src/ports/gateway-door.js';
import { patienceMs } from '../../ground/patience.js';
import { letInAndTakeOut } from '../senders.js';

/** One gateway to knock at; its config is written, its container exists and has not been started. */
export type GatewayAtHand = {
  readonly door: GatewayDoor;
  readonly at: Address;
  readonly inside: Inside;
  readonly version: string;
  /** Its config says ten wrong tokens and then this long. */
  readonly lockoutMs: number;
  start(): Promise<void>;
  /** Stops and removes the container and creates another over the same state, started. */
  recreate(): Promise<void>;
  stop(): Promise<void>;
  /** What a channel of the gateway does when a sender writes whom it does not know: keeps the request, and answers a code. */
  tellSender(sender: Sender, name: string): Promise<string>;
  remove(): Promise<void>;
};

const admin = ['operator.admin'];

const deviceList = z.object({ pending: z.array(z.looseObject({})), paired: z.array(z.looseObject({})) });
const presenceList = z.array(z.looseObject({ deviceId: z.string().optional(), reason: z.string().optional() }));
const runBegun = z.object({ runId: z.string() });
const logTail = z.object({ cursor: z.number(), lines: z.array(z.string()) });
const logLine = z.looseObject({ time: z.string(), message: z.string().optional() });
const channelStatus = z.object({ channels: z.record(z.string(), z.object({ running: z.boolean().nullish() })) });
const configRead = z.object({ hash: z.string() });

/** How long a real gateway may take to boot on a busy machine. */
const bootMs = 120_000;

/** What both doors promise. The cases go through one life of one gateway, in order; the lock-out is last because it outlives its case. */
export function doorContract(name: string, prepare: () => Promise<GatewayAtHand>): void {
  describe(name, () => {
    let gateway: GatewayAtHand;
    const device = deviceFrom(randomBytes(32));
    const knock = (token: Secret, as: Device | undefined, scopes = admin) =>
      gateway.door.knock(gateway.at, { token, device: as, scopes });
    const callInside = (method: string, params: unknown = {}) =>
      gateway.door.callInside(gateway.inside, [{ method, params }]).then(answerOf);

    const patchChannel = async (telegram: unknown, replacePaths: readonly string[] = []) => {
      const { hash: baseHash } = configRead.parse(await callInside('config.get'));
      const params = { baseHash, raw: JSON.stringify({ channels: { telegram } }), replacePaths };
      const knocked = await gateway.door.callInside(gateway.inside, [{ method: 'config.patch', params }]);
      return knocked.kind === 'open' ? knocked.answers[0] : undefined;
    };
    const runningChannels = async () => {
      const { channels } = channelStatus.parse(await callInside('channels.status', { probe: false, timeoutMs: 1_000 }));
      return Object.entries(channels).flatMap(([kind, { running }]) => (running ? [kind] : []));
    };

    beforeAll(async () => {
      gateway = await prepare();
    }, bootMs);
    afterAll(() => gateway?.remove(), bootMs);

    test('a gateway that has not been started is not yet, from every side', async () => {
      await expect(gateway.door.probeStartup(gateway.at)).rejects.toThrow(NotYet);
      await expect(knock(gateway.inside.token, undefined)).rejects.toThrow(NotYet);
      await expect(gateway.door.callInside(gateway.inside, [])).rejects.toThrow(NotYet);
      expect(await gateway.door.findPulse(gateway.at)).toBe('deaf');
    });

    test(
      'S0-24, S3-2: start-up is seen when the gateway says so, and then it lets us in',
      { timeout: bootMs },
      async () => {
        await gateway.start();
        await untilStarted(gateway);
        expect(await gateway.door.findPulse(gateway.at)).toBe('answers');
        const opened = await gateway.door.callInside(gateway.inside, []);
        expect(opened).toMatchObject({ kind: 'open', hello: { version: gateway.version, scopes: admin }, answers: [] });
      },
    );

    test('a wrong token is told apart, outside and inside, and the right one works at once after it', async () => {
      expect(await knock(new Secret('wrong'), undefined)).toEqual({ kind: 'wrong token' });
      expect(await knock(new Secret('wrong'), device)).toEqual({ kind: 'wrong token' });
      const inside = { ...gateway.inside, token: new Secret('wrong') };
      expect(await gateway.door.callInside(inside, [])).toEqual({ kind: 'wrong token' });
      sessionOf(await knock(gateway.inside.token, undefined)).close();
    });

    test('without a device the door opens but gives no scopes: health works, anything else is refused', async () => {
      const session = sessionOf(await knock(gateway.inside.token, undefined));
      expect(session.hello).toMatchObject({ version: gateway.version, scopes: [] });
      expect(session.hello.bootId).not.toBe('');
      expect(await session.call('health', {})).toMatchObject({ ok: true });
      const refused = await session.call('device.pair.list', {}).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RpcError);
      expect(refused).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('missing scope') });
      session.close();
      await expect(session.call('health', {})).rejects.toThrow(/hung up/);
    });

    test('S0-11, S1-10, S2-2: a fresh device asks for pairing, is approved from inside by its request, and comes in with its scopes', async () => {
      const first = await knock(gateway.inside.token, device);
      const again = await knock(gateway.inside.token, device);
      if (first.kind !== 'pairing required') throw new Error(`pairing was not required: ${first.kind}`);
      expect(again).toEqual(first);
      const { pending } = deviceList.parse(await callInside('device.pair.list'));
      const asked = { requestId: first.requestId, deviceId: device.id, publicKey: device.publicKey };
      expect(pending).toContainEqual(expect.objectContaining(asked));
      expect(await callInside('device.pair.approve', { requestId: first.requestId })).toMatchObject({
        requestId: first.requestId,
        device: { deviceId: device.id },
      });
      const session = sessionOf(await knock(gateway.inside.token, device));
      expect(session.hello.scopes).toEqual(admin);
      const { paired } = deviceList.parse(await session.call('device.pair.list', {}));
      expect(paired).toContainEqual(expect.objectContaining({ deviceId: device.id }));
      session.close();
    });

    test('a request that is not there (any more) is refused by name', async () => {
      const calls = [
        { method: 'device.pair.approve', params: { requestId: 'none' } },
        { method: 'device.pair.remove', params: { deviceId: 'none' } },
        { method: 'no.such.method', params: {} },
      ];
      expect(await gateway.door.callInside(gateway.inside, calls)).toMatchObject({
        answers: [
          { ok: false, code: 'INVALID_REQUEST', message: 'unknown requestId' },
          { ok: false, code: 'INVALID_REQUEST', message: 'unknown deviceId' },
          { ok: false, code: 'INVALID_REQUEST', message: expect.stringContaining('unknown method') },
        ],
      });
    });

    test('a request says what asks for what, a later wish replaces it, and it is turned down by its id', async () => {
      const other = deviceFrom(randomBytes(32));
      const first = await knock(gateway.inside.token, other, ['operator.read']);
      const second = await knock(gateway.inside.token, other, ['operator.read', 'operator.write']);
      if (first.kind !== 'pairing required' || second.kind !== 'pairing required') throw new Error('it was let in');
      const { pending } = deviceList.parse(await callInside('device.pair.list'));
      expect(pending.filter(({ deviceId }) => deviceId === other.id)).toEqual([
        expect.objectContaining({
          requestId: second.requestId,
          publicKey: other.publicKey,
          platform: 'linux',
          clientId: 'gateway-client',
          clientMode: 'backend',
          role: 'operator',
          roles: ['operator'],
          scopes: ['operator.read', 'operator.write'],
          remoteIp: expect.stringMatching(/^[\d.]+$/),
          isRepair: false,
          ts: expect.any(Number),
        }),
      ]);
      const reject = { method: 'device.pair.reject', params: { requestId: second.requestId } };
      expect(await gateway.door.callInside(gateway.inside, [reject, reject])).toMatchObject({
        answers: [
          { ok: true, payload: { requestId: second.requestId, deviceId: other.id } },
          { ok: false, code: 'INVALID_REQUEST', message: 'unknown requestId' },
        ],
      });
      expect(deviceList.parse(await callInside('device.pair.list')).pending).toEqual([]);
    });

    test('a paired device says when it was approved and when it came in last; one that is removed loses its sessions', async () => {
      const other = deviceFrom(randomBytes(32));
      const row = async () =>
        deviceList.parse(await callInside('device.pair.list')).paired.find(({ deviceId }) => deviceId === other.id);
      const asked = await knock(gateway.inside.token, other, ['operator.read']);
      if (asked.kind !== 'pairing required') throw new Error('it was let in');
      await callInside('device.pair.approve', { requestId: asked.requestId });
      const approved = await row();
      expect(approved).toMatchObject({
        roles: ['operator'],
        scopes: ['operator.read'],
        createdAtMs: expect.any(Number),
      });
      expect(approved).toHaveProperty('approvedAtMs', approved?.['createdAtMs']);
      expect(approved).not.toHaveProperty('lastSeenAtMs');
      const session = sessionOf(await knock(gateway.inside.token, other, ['operator.read']));
      const seen = Number((await row())?.['lastSeenAtMs']);
      expect(seen).toBeGreaterThanOrEqual(Number(approved?.['approvedAtMs']));
      await callInside('device.pair.remove', { deviceId: other.id });
      expect(await session.closed).toBe(4001);
      expect(await row()).toBeUndefined();
      const presence = presenceList.parse(await callInside('system-presence'));
      expect(presence.filter(({ deviceId, reason }) => deviceId === other.id && reason !== 'disconnect')).toEqual([]);
    });

    test('a device whose token is revoked loses every session, is listed without any, and has to ask again', async () => {
      const other = deviceFrom(randomBytes(32));
      const row = async () =>
        deviceList.parse(await callInside('device.pair.list')).paired.find(({ deviceId }) => deviceId === other.id);
      const come = (token = gateway.inside.token) => knock(token, other, ['operator.read']);
      const asked = await come();
      if (asked.kind !== 'pairing required') throw new Error('it was let in');
      await callInside('device.pair.approve', { requestId: asked.requestId });
      expect(await row()).toMatchObject({ connected: false });
      const shared = sessionOf(await come());
      const own = sessionOf(await come(shared.hello.deviceToken));
      expect(await row()).toMatchObject({ connected: true });
      const revoke = { method: 'device.token.revoke', params: { deviceId: other.id, role: 'operator' } };
      const foreign = { method: 'device.token.revoke', params: { deviceId: other.id, role: 'node' } };
      expect(await gateway.door.callInside(gateway.inside, [revoke, revoke, foreign])).toMatchObject({
        answers: [
          { ok: true, payload: { deviceId: other.id, role: 'operator', revokedAtMs: expect.any(Number) } },
          { ok: true },
          { ok: false, code: 'INVALID_REQUEST', message: 'device token revocation denied' },
        ],
      });
      expect(await row()).toMatchObject({ connected: false });
      expect(await Promise.all([shared.closed, own.closed])).toEqual([4001, 4001]);
      const again = await come();
      if (again.kind !== 'pairing required') throw new Error('it was let in');
      await callInside('device.pair.approve', { requestId: again.requestId });
      const back = sessionOf(await come());
      expect(await row()).toMatchObject({ connected: true });
      back.close();
      await expect.poll(row).toMatchObject({ connected: false });
      await callInside('device.pair.remove', { deviceId: other.id });
    });

    test('S2-18: a wrong token from outside stands in the log, which is read on from where it was read before', async () => {
      const before = logTail.parse(await callInside('logs.tail', { limit: 500 }));
      await knock(new Secret('wrong'), device);
      await expect
        .poll(async () => {
          const { lines } = logTail.parse(await callInside('logs.tail', { limit: 500, cursor: before.cursor }));
          const messages = lines.map((line) => logLine.parse(JSON.parse(line)).message ?? '');
          return messages.filter((text) => text.startsWith('unauthorized ') && text.includes('reason=token_mismatch'));
        })
        .toEqual([expect.stringMatching(/ remote=[\d.]+ client=gateway-client backend v1 role=operator /)]);
      sessionOf(await knock(gateway.inside.token, device)).close();
    });

    test(
      'S2-46: a chat sender who was told a code is let in by it and taken out again, once each; another code changes nothing',
      { timeout: 240_000 },
      () => letInAndTakeOut(gateway),
    );

    test('no channels are configured, and the gateway says so', async () => {
      const session = sessionOf(await knock(gateway.inside.token, device));
      expect(await session.call('channels.status', { probe: true, timeoutMs: 1_000 })).toMatchObject({
        channelOrder: [],
        channels: {},
      });
      session.close();
    });

    test('a channel is taken up while it runs, and let go; a list loses entries only when it is named', async () => {
      const telegram = { enabled: true, botToken: `123456789:${'A'.repeat(35)}`, dmPolicy: 'allowlist' };
      expect(await patchChannel({ ...telegram, allowFrom: ['1', '2'] })).toMatchObject({ ok: true });
      await expect.poll(runningChannels, { timeout: patienceMs }).toEqual(['telegram']);
      for (const fewer of [{ allowFrom: ['1'] }, null])
        expect(await patchChannel(fewer)).toMatchObject({
          ok: false,
          message: expect.stringContaining('would remove entries from array path(s): channels.telegram.allowFrom'),
        });
      const replacePaths = ['channels.telegram.allowFrom'];
      expect(await patchChannel({ allowFrom: ['1'] }, replacePaths)).toMatchObject({ ok: true });
      expect(await patchChannel(null, replacePaths)).toMatchObject({ ok: true });
      await expect.poll(runningChannels, { timeout: patienceMs }).toEqual([]);
    });

    test(
      'a one-time link leads to the published port and does not carry the gateway token',
      { timeout: 90_000 },
      async () => {
        const { url, expiresAt } = await gateway.door.mintLink(gateway.inside, gateway.at);
        const link = new URL(url.reveal());
        const fragment = new URLSearchParams(link.hash.slice(1));
        expect(link.origin).toBe(`http://127.0.0.1:${gateway.at.port}`);
        expect(fragment.get('gatewayUrl')).toBe(`ws://127.0.0.1:${gateway.at.port}`);
        expect(fragment.get('bootstrapProfile')).toBe('owner');
        expect(fragment.get('bootstrapToken')).toMatch(/^.{16,}$/);
        expect(url.reveal()).not.toContain(gateway.inside.token.reveal());
        const livesMs = Date.parse(expiresAt) - Date.now();
        expect(livesMs).toBeGreaterThan(500_000);
        expect(livesMs).toBeLessThanOrEqual(601_000);
        expect(String(url)).toBe('[secret]');
      },
    );

    test('S0-32: what is said without a model comes to an error, and its session goes when it is deleted, once', async () => {
      const sessionKey = 'creel-turn';
      const say = { sessionKey, message: 'ping', deliver: false, idempotencyKey: randomUUID() };
      const { runId } = runBegun.parse(await callInside('chat.send', say));
      expect(runId).toBe(say.idempotencyKey);
      const ended = () => callInside('agent.wait', { runId, timeoutMs: 5_000 });
      await expect.poll(ended, { timeout: 50_000 }).toMatchObject({ status: 'error', error: expect.any(String) });
      const forget = () => callInside('sessions.delete', { key: sessionKey, deleteTranscript: true });
      expect(await forget()).toMatchObject({ ok: true, deleted: true });
      expect(await forget()).toMatchObject({ ok: true, deleted: false });
      expect(await callInside('chat.abort', { sessionKey })).toMatchObject({ ok: true, aborted: false });
    });

    test('nothing keeps a gateway from itself, and what does from where nobody listens is named', async () => {
      expect(await gateway.door.findObstacle(gateway.inside, { host: '127.0.0.1', port: 18_789 })).toBeUndefined();
      expect(await gateway.door.findObstacle(gateway.inside, { host: '127.0.0.1', port: 9 })).toMatch(/^E[A-Z]+$/);
    });

    test('S4-37: egress is a sentence within seconds, never an error', async () => {
      const began = Date.now();
      expect(await gateway.door.probeEgress(gateway.inside)).toMatch(/^(reaches |no egress: |not probed)/);
      expect(Date.now() - began).toBeLessThan(5_000);
      expect(await gateway.door.probeEgress({ ...gateway.inside, container: 'oc-dt-none' })).toEqual(
        expect.any(String),
      );
    });

    test('a patch on a stale base changes nothing; on the right base the token switches and old sessions end', async () => {
      const { hash } = configRead.parse(await callInside('config.get'));
      const next = new Secret(randomBytes(32).toString('base64url'));
      const stale = await gateway.door.callInside(gateway.inside, [patchToken('0'.repeat(64), next)]);
      expect(stale).toMatchObject({
        answers: [{ ok: false, message: expect.stringContaining('changed since last load') }],
      });
      const session = sessionOf(await knock(gateway.inside.token, undefined));
      expect(await gateway.door.callInside(gateway.inside, [patchToken(hash, next)])).toMatchObject({
        answers: [{ ok: true }],
      });
      expect(await knock(gateway.inside.token, device)).toEqual({ kind: 'wrong token' });
      sessionOf(await knock(next, device)).close();
      await expect(session.call('health', {})).rejects.toThrow(/closed|lost/);

      const inside = { ...gateway.inside, token: next };
      const read = await gateway.door.callInside(inside, [{ method: 'config.get', params: {} }]);
      const back = patchToken(configRead.parse(answerOf(read)).hash, gateway.inside.token);
      expect(await gateway.door.callInside(inside, [back])).toMatchObject({ answers: [{ ok: true }] });
      sessionOf(await knock(gateway.inside.token, device)).close();
    });

    test(
      'S3-4: a paired device outlives the container; another container is another boot',
      { timeout: bootMs },
      async () => {
        const before = sessionOf(await knock(gateway.inside.token, device));
        await gateway.recreate();
        await expect(before.call('health', {})).rejects.toThrow(/closed|lost/);
        await untilStarted(gateway);
        const after = sessionOf(await knock(gateway.inside.token, device));
        expect(after.hello.scopes).toEqual(admin);
        expect(after.hello.bootId).not.toBe(before.hello.bootId);
        after.close();
      },
    );

    test('an unpaired device has to ask again', async () => {
      expect(await callInside('device.pair.remove', { deviceId: device.id })).toMatchObject({ deviceId: device.id });
      expect(await knock(gateway.inside.token, device)).toMatchObject({
        kind: 'pairing required',
        reason: 'not-paired',
      });
    });

    test('ten wrong tokens lock every outside client out, not the inside, and only for as long as configured', async () => {
      for (let wrong = 0; wrong < 10; wrong += 1) {
        expect(await knock(new Secret(`wrong ${wrong}`), undefined)).toEqual({ kind: 'wrong token' });
      }
      const locked = Date.now();
      expect(await knock(gateway.inside.token, undefined)).toEqual({ kind: 'locked out' });
      expect(await callInside('health')).toMatchObject({ ok: true });
      await expect
        .poll(async () => (await knock(gateway.inside.token, undefined)).kind, { timeout: patienceMs, interval: 100 })
        .toBe('open');
      expect(Date.now() - locked).toBeGreaterThan(gateway.lockoutMs - 500);
    });

    test('a gateway that was stopped is not yet, from every side', { timeout: bootMs }, async () => {
      await gateway.stop();
      await expect(gateway.door.probeStartup(gateway.at)).rejects.toThrow(NotYet);
      await expect(knock(gateway.inside.token, undefined)).rejects.toThrow(NotYet);
      await expect(gateway.door.callInside(gateway.inside, [])).rejects.toThrow(NotYet);
      await expect(gateway.door.mintLink(gateway.inside, gateway.at)).rejects.toThrow(NotYet);
    });
  });
}

async function untilStarted(gateway: GatewayAtHand): Promise<void> {
  const end = Date.now() + bootMs;
  for (;;) {
    const not = await gateway.door.probeStartup(gateway.at).catch((error: unknown) => error);
    if (not === undefined) return;
    if (!(not instanceof NotYet) || Date.now() > end) throw not;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function patchToken(baseHash: string, token: Secret) {
  const auth = { gateway: { auth: { token: token.reveal() }, remote: { token: token.reveal() } } };
  return { method: 'config.patch', params: { baseHash, raw: JSON.stringify(auth) } };
}

function sessionOf(knock: Knock): Session {
  if (knock.kind !== 'open') throw new Error(`the door did not open: ${JSON.stringify(knock)}`);
  return knock.session;
}

function answerOf(knock: InsideKnock): unknown {
  const answer: Answer | undefined = knock.kind === 'open' ? knock.answers[0] : undefined;
  if (!answer?.ok) throw new Error(`no answer from inside: ${JSON.stringify(knock)}`);
  return answer.payload;
}
