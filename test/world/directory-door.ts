import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { SenderBook } from '../../src/domain/channels/paired-senders.js';
import { covers } from '../../src/domain/devices/device.js';
import { NotYet, Refused } from '../../src/domain/errors.js';
import type { Endpoint } from '../../src/domain/models/endpoint.js';
import { Secret } from '../../src/domain/secret.js';
import {
  RpcError,
  type Address,
  type Answer,
  type Call,
  type Credentials,
  type GatewayDoor,
  type Hello,
  type Inside,
  type InsideKnock,
  type Knock,
  type Pulse,
  type SenderDeed,
  type Session,
} from '../../src/ports/gateway-door.js';
import { DirectoryGateway } from './directory-gateway.js';

/**
 * The door of the gateways in the containers of a `DirectoryEngine` over the same directory: what `DirectoryGateway` says,
 * through the port's own words. An engine that is down takes its published ports with it.
 */
export class DirectoryDoor implements GatewayDoor {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async probeStartup(at: Address): Promise<void> {
    if (!this.#listening(at).started) throw new NotYet('/startupz 503 (starting)');
  }

  async findPulse(at: Address): Promise<Pulse> {
    try {
      this.#listening(at);
      return 'answers';
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      return /within/.test(error.message) ? 'silent' : 'deaf';
    }
  }

  async knock(at: Address, as: Credentials): Promise<Knock> {
    const gateway = this.#listening(at);
    const own = as.device && gateway.deviceTokenOf(as.device.id);
    const byDevice = own !== undefined && as.token.reveal() === own;
    const verdict = byDevice ? 'right' : gateway.judge(as.token.reveal());
    if (verdict === 'locked out') return { kind: 'locked out' };
    if (verdict === 'wrong') return { kind: 'wrong token' };
    const scopes = [...as.scopes];
    if (!as.device) return { kind: 'open', session: openSession(gateway, [], undefined) };
    const { id: deviceId, publicKey } = as.device;
    const asked = gateway.admit({ deviceId, publicKey, scopes });
    if (!asked) return { kind: 'open', session: openSession(gateway, scopes, { deviceId, byDevice }) };
    return {
      kind: 'pairing required',
      requestId: asked.requestId,
      reason: asked.isRepair ? 'scope-upgrade' : 'not-paired',
    };
  }

  async callInside(at: Inside, calls: readonly Call[]): Promise<InsideKnock> {
    const gateway = this.#within(at);
    if (at.token.reveal() !== gateway.token) return { kind: 'wrong token' };
    const scopes = ['operator.admin'];
    return { kind: 'open', hello: greet(gateway, scopes), answers: calls.map((call) => answer(gateway, scopes, call)) };
  }

  async visitSenders(at: Inside, channels: readonly string[], deed: SenderDeed): Promise<SenderBook> {
    const { senders } = this.#within(at);
    senders.do(deed);
    return senders.read(channels);
  }

  async mintLink(inside: Inside, at: Address): Promise<{ url: Secret; expiresAt: string }> {
    const gateway = this.#within(inside);
    const here = `127.0.0.1:${at.port}`;
    const fragment = new URLSearchParams({
      bootstrapToken: `${gateway.bootId}${Date.now()}`,
      bootstrapProfile: 'owner',
      gatewayUrl: `ws://${here}`,
    });
    return {
      url: new Secret(`http://${here}/#${fragment.toString()}`),
      expiresAt: new Date(Date.now() + 600_000).toISOString(),
    };
  }

  async probeEgress(_inside: Inside): Promise<string> {
    return 'not probed';
  }

  async findObstacle(inside: Inside, { port }: Endpoint): Promise<string | undefined> {
    if (port === discardPort) return 'ECONNREFUSED';
    return this.#within(inside).provider === 'unreachable' ? 'ENETUNREACH' : undefined;
  }

  #listening(at: Address): DirectoryGateway {
    this.#answer();
    return DirectoryGateway.listeningOn(this.#root, at.port);
  }

  #within(inside: Inside): DirectoryGateway {
    this.#answer();
    return DirectoryGateway.within(this.#root, inside.container);
  }

  #answer(): void {
    if (existsSync(path.join(this.#root, 'down'))) throw new NotYet(`no engine answers at ${this.#root}`);
  }
}

/** Nobody listens there on any machine of today. */
const discardPort = 9;

/** How often a session looks whether it was closed: at once while it is young, and seldom when it waits among a thousand. */
const lookMs = { least: 10, most: 500 };

type Holder = { readonly deviceId: string; readonly byDevice: boolean } | undefined;

function openSession(gateway: DirectoryGateway, scopes: readonly string[], holder: Holder): Session {
  const { token } = gateway;
  const deviceToken = holder && gateway.deviceTokenOf(holder.deviceId);
  const held = holder && gateway.hold(holder.deviceId, holder.byDevice);
  let open = true;
  /** Why the gateway has closed it, if it has. */
  const ended = (): number | undefined => {
    if (!open) return 1005;
    if (!gateway.alive) return 1006;
    const isOpen = held ? held.isOpen() : gateway.token === token;
    return isOpen ? undefined : 4001;
  };
  const closed = new Promise<number>((resolve) => {
    const began = Date.now();
    const look = () => {
      const code = ended();
      if (code !== undefined) return resolve(code);
      const paceMs = Math.min(lookMs.most, Math.max(lookMs.least, (Date.now() - began) / 20));
      setTimeout(look, paceMs).unref();
    };
    setTimeout(look, lookMs.least).unref();
  });
  return {
    hello: {
      ...greet(gateway, scopes),
      aheadMs: gateway.aheadMs,
      deviceToken: deviceToken === undefined ? undefined : new Secret(deviceToken),
    },
    closed,
    async call(method, params) {
      if (!open) throw new Error('the connection was hung up');
      if (ended() !== undefined) throw new Error(`the connection was lost before ${method}`);
      if (method === 'agent.wait' && gateway.provider === 'floods') {
        open = false;
        throw new Refused('the gateway sent a frame of more than 2097152 bytes, which is not taken');
      }
      const answered = answer(gateway, scopes, { method, params });
      if (answered.ok) return answered.payload;
      throw new RpcError(answered.code, answered.message);
    },
    close() {
      open = false;
      held?.end();
    },
  };
}

function greet(gateway: DirectoryGateway, scopes: readonly string[]): Hello {
  const bootId = gateway.takesToken === 'silent' ? '' : gateway.bootId;
  return { version: gateway.version, scopes, bootId, deviceToken: undefined };
}

type Method = {
  readonly scope: string | undefined;
  readonly run: (gateway: DirectoryGateway, params: unknown) => unknown;
};

const tokenOf = z.object({ deviceId: z.string(), role: z.string() });
const named = z.object({ requestId: z.string().default(''), deviceId: z.string().default('') });
const tailed = z.object({ cursor: z.number().default(0) });
const saying = z.object({ sessionKey: z.string(), message: z.string(), idempotencyKey: z.string() });
const hearing = z.object({ runId: z.string() });
const looking = z.object({ path: z.string() });
const deleting = z.object({ key: z.string() });
const patched = z.object({ baseHash: z.string(), raw: z.string(), replacePaths: z.array(z.string()).default([]) });

const methods: Readonly<Record<string, Method>> = {
  health: { scope: undefined, run: () => ({ ok: true }) },
  'device.pair.list': {
    scope: 'operator.pairing',
    run: (gateway) => ({ pending: gateway.pending(), paired: gateway.paired() }),
  },
  'device.pair.approve': {
    scope: 'operator.pairing',
    run: (gateway, params) => {
      const { requestId } = named.parse(params);
      const deviceId = gateway.approve(requestId);
      if (!deviceId) throw new Refused('unknown requestId');
      return { requestId, device: { deviceId } };
    },
  },
  'device.pair.reject': {
    scope: 'operator.pairing',
    run: (gateway, params) => {
      const { requestId } = named.parse(params);
      const deviceId = gateway.reject(requestId);
      if (!deviceId) throw new Refused('unknown requestId');
      return { requestId, deviceId };
    },
  },
  'system-presence': { scope: 'operator.read', run: () => [{ mode: 'gateway', reason: 'self' }] },
  'logs.tail': { scope: 'operator.read', run: (gateway, params) => gateway.readLog(tailed.parse(params).cursor) },
  'device.pair.remove': {
    scope: 'operator.pairing',
    run: (gateway, params) => {
      const { deviceId } = named.parse(params);
      if (!gateway.unpair(deviceId)) throw new Refused('unknown deviceId');
      return { deviceId };
    },
  },
  'device.token.revoke': {
    scope: 'operator.pairing',
    run: (gateway, params) => {
      const { deviceId, role } = tokenOf.parse(params);
      if (!gateway.revoke(deviceId, role)) throw new Refused('device token revocation denied');
      return { deviceId, role, revokedAtMs: Date.now() };
    },
  },
  'channels.status': { scope: 'operator.read', run: (gateway) => describeChannels(gateway) },
  'channels.start': {
    scope: 'operator.admin',
    run: (gateway) => {
      gateway.startChannel();
      return { ok: true };
    },
  },
  'chat.send': {
    scope: 'operator.write',
    run: (gateway, params) => {
      const { sessionKey, idempotencyKey: runId } = saying.parse(params);
      gateway.say(sessionKey, runId);
      return { runId, status: 'started' };
    },
  },
  'agent.wait': {
    scope: 'operator.write',
    run: (gateway, params) => {
      const { runId } = hearing.parse(params);
      const heard = gateway.hear(runId);
      if (!heard) return { runId, status: 'timeout' };
      if ('error' in heard) return { runId, status: 'error', error: heard.error };
      const [provider, ...model] = heard.model.split('/');
      return { runId, status: 'ok', terminalReceipt: { effective: { provider, model: model.join('/') } } };
    },
  },
  'chat.abort': { scope: 'operator.write', run: () => ({ ok: true, aborted: false, runIds: [] }) },
  'sessions.delete': {
    scope: 'operator.admin',
    run: (gateway, params) => {
      const { key } = deleting.parse(params);
      return { ok: true, key, deleted: gateway.forgetSession(key), archived: [] };
    },
  },
  'secrets.reload': { scope: 'operator.admin', run: (gateway) => gateway.reloadSecrets() },
  status: {
    scope: 'operator.read',
    run: (gateway) => ({ degradedSecretOwners: gateway.degradedKeys.map((ownerId) => ({ ownerId })) }),
  },
  'config.schema.lookup': {
    scope: 'operator.read',
    run: (_gateway, params) => {
      const { path } = looking.parse(params);
      if (path === 'customerNotes') throw new Refused('config schema path not found');
      const isOfServer = path.startsWith('gateway.') && !/\.(allowedOrigins|trustedProxies)$/.test(path);
      return { path, reloadKind: isOfServer ? 'restart' : 'hot' };
    },
  },
  'config.get': { scope: 'operator.read', run: (gateway) => gateway.readConfig() },
  'config.patch': {
    scope: 'operator.admin',
    run: (gateway, params) => {
      const { baseHash, raw, replacePaths } = patched.parse(params);
      const refusal = gateway.patchConfig(baseHash, JSON.parse(raw), replacePaths);
      if (refusal === undefined) return { ok: true };
      throw new Refused(refusal);
    },
  },
};

function answer(gateway: DirectoryGateway, scopes: readonly string[], call: Call): Answer {
  const method = methods[call.method];
  if (!method) return { ok: false, code: 'INVALID_REQUEST', message: `unknown method: ${call.method}` };
  if (method.scope && !covers(scopes, [method.scope])) {
    return { ok: false, code: 'FORBIDDEN', message: `missing scope: ${method.scope}` };
  }
  try {
    return { ok: true, payload: method.run(gateway, call.params) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, code: 'INVALID_REQUEST', message: error.message };
    throw error;
  }
}

/** How each state of a channel looks from outside (openclaw-models-channels 20 and 23). */
const looks = {
  connected: { probe: { ok: true, status: 200 }, account: { lifecycle: 'ready', connected: true } },
  refused: {
    probe: { ok: false, status: 401, error: 'Unauthorized' },
    account: { lifecycle: 'blocked', terminalDisconnect: true },
  },
  suppressed: {
    probe: { ok: true, status: null },
    account: { lifecycle: 'stopped', lastError: 'gateway restart-loop breaker tripped: 4 unclean boot(s)' },
  },
  unreached: {
    probe: { ok: false, status: null, error: 'fetch failed | getaddrinfo ENOTFOUND api.telegram.org | ENOTFOUND' },
    account: { lifecycle: 'recovering', connected: false, lastError: 'reconnect scheduled in 2000ms' },
  },
  linked: { linked: true, probe: null, account: { linked: true, lifecycle: 'ready', connected: true } },
  unlinked: { linked: false, probe: null, account: { linked: false, lifecycle: 'stopped', connected: false } },
  conflict: {
    probe: { ok: true, status: null },
    account: { lifecycle: 'recovering', lastError: '409: Conflict: terminated by other getUpdates request' },
  },
} as const;

function describeChannels(gateway: DirectoryGateway): unknown {
  const channels = { ...gateway.channels };
  if ('whatsapp' in channels) channels['whatsapp'] = gateway.phone;
  const all = Object.entries(channels);
  const shown = all.map(([kind, state]) => {
    const { account: _account, ...look } = looks[state];
    return [kind, { configured: true, running: state !== 'unlinked', ...look }];
  });
  const accounts = all.map(([kind, state]) => [kind, [{ accountId: 'default', ...looks[state].account }]]);
  return {
    channelOrder: Object.keys(channels),
    channels: Object.fromEntries(shown),
    channelAccounts: Object.fromEntries(accounts),
    statusIssues: [],
  };
}
