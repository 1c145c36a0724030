import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import JSON5 from 'json5';
import { z } from 'zod';
import { NotYet } from '../../src/domain/errors.js';
import { configFile, lastGoodFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { covers } from '../../src/domain/devices/device.js';
import { compareReleases } from '../../src/domain/release/release.js';
import { DirectorySenders } from './directory-senders.js';
import { createFile, listNames, ownerOf, readRecord, readText, replaceFile } from './directory-files.js';
import { writeLog } from './directory-logs.js';
import { containerNameOf } from './directory-names.js';
import {
  containerRecord,
  imageRecord,
  stateRecord,
  type ContainerRecord,
  type StateRecord,
} from './directory-records.js';

/** A key `customerNotes` at its root is one that a start ends with, but for a release that takes it; one that runs does not look. */
const config = z.looseObject({
  gateway: z.looseObject({
    mode: z.string(),
    auth: z.looseObject({
      token: z.string().min(1),
      rateLimit: z
        .looseObject({ maxAttempts: z.number(), windowMs: z.number(), lockoutMs: z.number() })
        .default({ maxAttempts: 10, windowMs: 60_000, lockoutMs: 300_000 }),
    }),
  }),
  channels: z.record(z.string(), z.looseObject({})).default({}),
  agents: z
    .looseObject({ defaults: z.looseObject({ model: z.looseObject({ primary: z.string() }).optional() }).optional() })
    .optional(),
  models: z
    .looseObject({ providers: z.record(z.string(), z.looseObject({ apiKey: z.unknown() })).default({}) })
    .default({ providers: {} }),
});

/** A reference to a secret in a file, by its JSON pointer. */
const fileReference = z.object({ source: z.literal('file'), provider: z.string(), id: z.string().startsWith('/') });
const secretFiles = z.looseObject({
  secrets: z.object({ providers: z.record(z.string(), z.looseObject({ path: z.string() })) }),
});

/** What a gateway says when its provider does not answer (openclaw-models-channels 18.3). */
const refusals = {
  'wrong key': 'Agent failed before reply: Authentication failed (provider returned HTTP 401).',
  'no credit': 'API provider returned a billing error — your API key has run out of credits.',
  'unknown model': 'The configured model is unavailable from the provider — it may have been renamed.',
  resting:
    'Inline API key for provider "own" is temporarily disabled after a provider auth/billing failure. Retry after about 9 minutes.',
  'resting for a minute':
    'Inline API key for provider "own" is temporarily disabled after a provider auth/billing failure. Retry after about 1 minute, or switch to a different auth profile/API key.',
  down: 'The AI service is temporarily overloaded. Please try again in a moment.',
} as const;

/** How a model's provider does; `unreachable` as seen from within a gateway. */
export type ProviderMood = keyof typeof refusals | 'answers' | 'silent' | 'unreachable' | 'floods';

const moods: readonly string[] = [...Object.keys(refusals), 'answers', 'silent', 'unreachable', 'floods'];

/** `shut`: it was started with a config that lets nobody in through the published port. */
const memory = z.object({
  bootId: z.string(),
  token: z.string(),
  shut: z.boolean().default(false),
  keys: z.record(z.string(), z.string()).default({}),
  tokens: z.record(z.string(), z.string()).default({}),
});

/** What a device says of itself and asks for, as a real gateway keeps it. */
const wish = z.object({
  deviceId: z.string(),
  publicKey: z.string(),
  displayName: z.string().optional(),
  platform: z.string().default('linux'),
  clientId: z.string().default('gateway-client'),
  clientMode: z.string().default('backend'),
  role: z.string().default('operator'),
  roles: z.array(z.string()).default(['operator']),
  scopes: z.array(z.string()),
  remoteIp: z.string().default('10.9.8.1'),
});

const device = wish.extend({
  approvedVia: z.string().default('owner'),
  createdAtMs: z.number().default(0),
  approvedAtMs: z.number().default(0),
  /** When its tokens were revoked last, and whether it was approved since. */
  revokedAtMs: z.number().default(0),
  revoked: z.boolean().default(false),
});

const pending = wish.extend({ requestId: z.string(), ts: z.number(), isRepair: z.boolean().default(false) });

const seen = z.object({ lastSeenAtMs: z.number() });

/** Who holds a session, in which process, and what it stands on. */
const holding = z.object({
  deviceId: z.string(),
  byDevice: z.boolean(),
  pid: z.number(),
  bootId: z.string(),
  standsOn: z.string(),
});

type Config = z.infer<typeof config>;
export type ChannelState = 'connected' | 'refused' | 'suppressed' | 'conflict' | 'unreached' | 'linked' | 'unlinked';
export type Wish = z.input<typeof wish>;
export type PairedDevice = z.infer<typeof device> & { readonly lastSeenAtMs?: number; readonly connected: boolean };

/** A session that a device holds open. */
export type Held = {
  /** Whether the gateway keeps it open. */
  isOpen(): boolean;
  /** The device hangs up. */
  end(): void;
};
export type PendingRequest = z.infer<typeof pending>;

/** What a phone that is linked leaves in the state (openclaw-models-channels 20). */
const phoneFile = 'credentials/whatsapp/default/creds.json';

/** A pairing request is forgotten after this (openclaw-gateway, section 6). */
const pendingMs = 300_000;

/**
 * What runs in a container of a `DirectoryEngine`: a gateway, as far as its door is concerned.
 *
 *     files/<volume>/openclaw.json            its config; read when it boots, which is at the first contact after a start,
 *                                             or after the time that the image's label `test.boot` gives
 *     files/<volume>/openclaw.json.last-good  what it last booted on
 *     files/<volume>/state/broken, …/deaf     there, no release starts on this state, or listens
 *     files/<volume>/devices/<device>.json    paired devices; they outlive the container
 *     files/<volume>/pending/<device>.json    pairing requests: another wish of the same device replaces the one before
 *     files/<volume>/seen/<device>.json       when a paired device was let in last
 *     files/<volume>/senders/                 the book of its chat senders (`DirectorySenders`)
 *     memory/<container>/boot.json            what one boot holds in memory: a config edited later changes nothing in it
 *     memory/<container>/failures/<time>-…    wrong tokens
 *     memory/<container>/sessions/<random>    sessions of devices; one whose process is dead is over
 *     memory/<container>/log.jsonl            what it logs of them, as `logs.tail` answers it
 *     memory/<container>/runs/<run>           what was said, by run: the session
 *     files/<volume>/sessions/<session>       chats that were not deleted; they outlive the container
 *     provider                                how the provider of every gateway's model does (`ProviderMood`); it answers where
 *                                             there is no such file
 */
export class DirectoryGateway {
  readonly #root: string;
  readonly #container: ContainerRecord;
  readonly bootId: string;

  constructor(root: string, container: ContainerRecord, bootId: string) {
    this.#root = root;
    this.#container = container;
    this.bootId = bootId;
  }

  /** The gateway that listens on a port of the host. Without one the connection is refused, which is `NotYet`. */
  static listeningOn(root: string, port: number): DirectoryGateway {
    const names = listNames(path.join(root, 'users', 'port', String(port)));
    for (const id of names.map(decodeURIComponent)) {
      const container = readContainer(root, containerNameOf(root, id));
      if (container?.id !== id || container.hostPort !== port || !isRunning(root, container)) continue;
      if (readState(root, container)?.wedged) throw new NotYet(`127.0.0.1:${port} did not answer within 5000 ms`);
      const gateway = boot(root, container);
      if (gateway.shut) throw new NotYet(`127.0.0.1:${port} does not answer yet (ECONNRESET)`);
      return gateway;
    }
    throw new NotYet(`nothing listens on 127.0.0.1:${port} yet (connection refused)`);
  }

  /** The gateway in a container. One that does not run is `NotYet`. */
  static within(root: string, name: string): DirectoryGateway {
    const container = readContainer(root, name);
    if (!container || !isRunning(root, container)) throw new NotYet(`container ${name} does not run`);
    if (readState(root, container)?.wedged)
      throw new NotYet('the gateway does not answer inside its container yet (ETIMEDOUT)');
    return boot(root, container);
  }

  /** Whether nobody gets in through its published port. */
  get shut(): boolean {
    return readRecord(this.#memory('boot.json'), memory)?.shut === true;
  }

  /** Whether this boot still runs. */
  get alive(): boolean {
    return isRunning(this.#root, this.#container) && bootIdOf(this.#root, this.#container) === this.bootId;
  }

  /** What time it has: its clock may differ from everybody's (`clock-ahead`, in milliseconds). */
  now(): number {
    return Date.now() + this.aheadMs;
  }

  get aheadMs(): number {
    return Number(readText(path.join(this.#root, 'clock-ahead')) ?? 0);
  }

  /** What it says it is, whatever its image is called. */
  get version(): string {
    const labels = labelsOf(this.#root, this.#container);
    return labels['test.version'] ?? labels['creel.release'] ?? 'unknown';
  }

  /** Whether it ever gets ready. */
  get started(): boolean {
    return labelsOf(this.#root, this.#container)['test.behaviour'] !== 'never ready';
  }

  /** The token that is in force now. */
  get token(): string {
    return readRecord(this.#memory('boot.json'), memory)?.token ?? '';
  }

  /** The keys with which it asks each provider of its models now. */
  get modelKeys(): Readonly<Record<string, string>> {
    return readRecord(this.#memory('boot.json'), memory)?.keys ?? {};
  }

  /** The tokens with which its channels run now, as `telegram.botToken`. */
  get channelTokens(): Readonly<Record<string, string>> {
    return readRecord(this.#memory('boot.json'), memory)?.tokens ?? {};
  }

  /** Reads the files of secrets anew. A key that is missing now stays in force as it was: each is one warning. */
  reloadSecrets(): { ok: true; warningCount: number } {
    const boot = readRecord(this.#memory('boot.json'), memory);
    const { keys, missing } = resolveKeys(this.#file(), this.#config(), boot?.keys ?? {});
    const tokens = resolveTokens(this.#file(), this.#config(), boot?.tokens ?? {});
    replaceFile(this.#memory('boot.json'), JSON.stringify({ ...boot, keys, tokens }));
    return { ok: true, warningCount: missing.length };
  }

  /** The providers whose key cannot be read, and the accounts of channels whose token. */
  get degradedKeys(): string[] {
    const read = this.#config();
    const tokens = resolveTokens(this.#file(), read, {});
    const accounts = Object.entries(read.channels).filter(([kind, block]) =>
      Object.keys(block).some((key) => block['enabled'] !== false && isTokenKey(key) && !tokens[`${kind}.${key}`]),
    );
    return [...resolveKeys(this.#file(), read, {}).missing, ...accounts.map(([kind]) => `${kind}:default`)];
  }

  /**
   * Every channel that is switched on, and how it fares: what its service says of its token, that the crash-loop breaker keeps it
   * from starting (`memory/<container>/suppressed`), that another program polls with its token, or that its service is not reached.
   */
  get channels(): Record<string, ChannelState> {
    const on = Object.entries(this.#config().channels).filter(([, { enabled }]) => enabled !== false);
    const tokens = Object.entries(this.channelTokens);
    const judge = (kind: string, block: object): ChannelState => {
      const own = tokens.filter(([entry]) => entry.startsWith(`${kind}.`));
      if (own.length < Object.keys(block).filter(isTokenKey).length) return 'refused';
      const text = JSON.stringify(own);
      if (text.includes('REFUSED')) return 'refused';
      if (text.includes('CONFLICT')) return 'conflict';
      if (text.includes('UNREACHED')) return 'unreached';
      return readText(this.#memory('suppressed')) === undefined ? 'connected' : 'suppressed';
    };
    return Object.fromEntries(on.map(([kind, block]) => [kind, judge(kind, block)]));
  }

  /** Starts what the crash-loop breaker keeps from starting. */
  startChannel(): void {
    fs.rmSync(this.#memory('suppressed'), { force: true });
  }

  /** Whether a phone is linked to it. */
  get phone(): ChannelState {
    return readText(this.#file(phoneFile)) === undefined ? 'unlinked' : 'linked';
  }

  /** The owner of the gateway links a phone, or takes it out again. */
  linkPhone(linked = true): void {
    if (linked) replaceFile(this.#file(phoneFile), '{}');
    else fs.rmSync(this.#file(phoneFile), { force: true });
  }

  /** What the crash-loop breaker does after unclean starts. */
  suppressChannels(): void {
    replaceFile(this.#memory('suppressed'), '');
  }

  /** Judges a token from outside as the rate limit of the config says. The right one makes the wrong ones forgotten. */
  judge(token: string, clientId = 'gateway-client'): 'right' | 'wrong' | 'locked out' {
    const { maxAttempts, windowMs, lockoutMs } = this.#config().gateway.auth.rateLimit;
    const now = Date.now();
    const failures = listNames(this.#memory('failures'))
      .map(Number.parseFloat)
      .toSorted((one, other) => one - other);
    const lockedAt = failures[maxAttempts - 1];
    if (lockedAt !== undefined && now < lockedAt + lockoutMs) return 'locked out';
    const right = token === this.token;
    this.#forgetFailures(right || lockedAt !== undefined ? now : now - windowMs);
    if (right) return 'right';
    replaceFile(this.#memory('failures', `${now}-${process.hrtime.bigint()}`), '');
    this.#log(`unauthorized remote=10.9.8.1 client=${clientId} backend v1 role=operator reason=token_mismatch`);
    return 'wrong';
  }

  paired(): PairedDevice[] {
    const connected = this.#connected();
    return listNames(this.#file('devices'))
      .map((name) => readRecord(this.#file('devices', name), device))
      .filter((each) => each !== undefined)
      .map((each) => ({ ...each, ...readRecord(this.#file('seen', `${each.deviceId}.json`), seen) }))
      .map((each) => ({ ...each, connected: connected.has(each.deviceId) }));
  }

  /** What a paired device may show instead of the shared token. */
  deviceTokenOf(deviceId: string): string | undefined {
    const found = readRecord(this.#file('devices', `${deviceId}.json`), device);
    if (!found || found.revoked) return undefined;
    const { publicKey, createdAtMs, revokedAtMs } = found;
    return digest(['device token', deviceId, publicKey, String(createdAtMs), String(revokedAtMs)]);
  }

  /** Opens a session of a device that was let in, by its own token or by the shared one. */
  hold(deviceId: string, byDevice: boolean): Held {
    const file = this.#memory('sessions', randomBytes(8).toString('hex'));
    const standsOn = this.#standing(deviceId, byDevice);
    replaceFile(file, JSON.stringify({ deviceId, byDevice, pid: process.pid, bootId: this.bootId, standsOn }));
    return { isOpen: () => this.#isOpen(file), end: () => fs.rmSync(file, { force: true }) };
  }

  /** Revokes the tokens of a device in a role; false when it has none. */
  revoke(deviceId: string, role: string): boolean {
    const file = this.#file('devices', `${deviceId}.json`);
    const found = readRecord(file, device);
    if (!found?.roles.includes(role)) return false;
    replaceFile(file, JSON.stringify({ ...found, revoked: true, revokedAtMs: this.now() }));
    return true;
  }

  /** A session ends with its process, its boot, what it was let in by, and the trust in its device. */
  #isOpen(file: string): boolean {
    const held = readRecord(file, holding);
    if (!held || held.bootId !== this.bootId || !isAlive(held.pid)) return false;
    if (held.standsOn === this.#standing(held.deviceId, held.byDevice)) return true;
    return labelsOf(this.#root, this.#container)['test.behaviour'] === 'keeps sessions';
  }

  #standing(deviceId: string, byDevice: boolean): string {
    return digest([this.deviceTokenOf(deviceId) ?? 'none', byDevice ? '' : this.token]);
  }

  #connected(): Set<string> {
    const files = listNames(this.#memory('sessions')).map((name) => this.#memory('sessions', name));
    const open = files.filter((file) => this.#isOpen(file)).map((file) => readRecord(file, holding)?.deviceId ?? '');
    return new Set(open);
  }

  pending(): PendingRequest[] {
    return listNames(this.#file('pending'))
      .map((name) => readRecord(this.#file('pending', name), pending))
      .filter((each) => each !== undefined)
      .filter((each) => each.ts > this.now() - pendingMs);
  }

  /** Remembers that a device wants in. The same wish is the same request, until it is forgotten. */
  ask(asked: Wish): PendingRequest {
    const wanted = wish.parse(asked);
    const requestId = digest([
      this.#container.id,
      wanted.deviceId,
      wanted.publicKey,
      ...wanted.roles,
      ...wanted.scopes,
    ]).slice(0, 32);
    const known = this.pending().find((each) => each.requestId === requestId);
    const isRepair = this.paired().some(({ deviceId }) => deviceId === wanted.deviceId);
    const request = known ?? { ...wanted, requestId, ts: this.now(), isRepair };
    replaceFile(this.#file('pending', `${wanted.deviceId}.json`), JSON.stringify(request));
    return request;
  }

  /** Lets a device in that shows the right token and has the scopes it wants; any other is one that asks. */
  admit(asked: Wish): PendingRequest | undefined {
    const { deviceId, publicKey, scopes, role = 'operator' } = asked;
    const isLetIn = () =>
      this.paired().some(
        (each) =>
          each.deviceId === deviceId &&
          each.publicKey === publicKey &&
          !each.revoked &&
          each.roles.includes(role) &&
          covers(each.scopes, scopes),
      );
    if (!isLetIn()) {
      const request = this.ask(asked);
      if (!isLetIn()) return request;
      this.reject(request.requestId); // Approved in another process meanwhile: a gateway does one after the other.
    }
    replaceFile(this.#file('seen', `${deviceId}.json`), JSON.stringify({ lastSeenAtMs: this.now() }));
    return undefined;
  }

  /** Forgets a request; undefined when no such request waits. */
  reject(requestId: string): string | undefined {
    const request = this.pending().find((each) => each.requestId === requestId);
    if (request) fs.rmSync(this.#file('pending', `${request.deviceId}.json`), { force: true });
    return request?.deviceId;
  }

  /** What was logged since a cursor, one line each. */
  readLog(cursor: number): { cursor: number; lines: string[] } {
    const text = readText(this.#memory('log.jsonl')) ?? '';
    return {
      cursor: text.length,
      lines: text
        .slice(cursor)
        .split('\n')
        .filter((line) => line !== ''),
    };
  }

  /** Pairs the device of a request and answers its id; undefined when no such request waits. */
  approve(requestId: string): string | undefined {
    const request = this.pending().find((each) => each.requestId === requestId);
    if (!request) return undefined;
    const { requestId: _requestId, ts: _ts, isRepair: _isRepair, ...asked } = request;
    const before = this.paired().find(({ deviceId }) => deviceId === request.deviceId);
    const approvedAtMs = this.now();
    const approved = {
      ...asked,
      roles: [...new Set([...(before?.roles ?? []), ...asked.roles])],
      scopes: [...new Set([...(before?.scopes ?? []), ...asked.scopes])],
      createdAtMs: before?.createdAtMs ?? approvedAtMs,
      approvedAtMs,
      revokedAtMs: before?.revokedAtMs ?? 0,
    };
    replaceFile(this.#file('devices', `${request.deviceId}.json`), JSON.stringify(approved));
    fs.rmSync(this.#file('pending', `${request.deviceId}.json`), { force: true });
    return request.deviceId;
  }

  /** Forgets a device; false when it was not paired. */
  unpair(deviceId: string): boolean {
    const known = this.paired().some((each) => each.deviceId === deviceId);
    if (known) fs.rmSync(this.#file('devices', `${deviceId}.json`), { force: true });
    fs.rmSync(this.#file('seen', `${deviceId}.json`), { force: true });
    return known;
  }

  /** The book of its chat senders. */
  get senders(): DirectorySenders {
    return new DirectorySenders(this.#file('senders'), () => this.now());
  }

  /** Somebody says something in a session. */
  say(session: string, run: string): void {
    replaceFile(this.#file('sessions', session), run);
    replaceFile(this.#memory('runs', run), session);
  }

  /** What came of what was said; undefined while nothing has. */
  hear(run: string): { readonly model: string } | { readonly error: string } | undefined {
    if (readText(this.#memory('runs', run)) === undefined) return undefined;
    const model = this.#config().agents?.defaults?.model?.primary;
    if (model === undefined) return { error: 'No route-compatible authentication source is configured for openai.' };
    const mood = Object.values(this.modelKeys).some((key) => key.includes('REFUSED')) ? 'wrong key' : this.provider;
    if (mood === 'silent' || mood === 'unreachable' || mood === 'floods') return undefined;
    return mood === 'answers' ? { model } : { error: refusals[mood] };
  }

  /** How the provider of its model does. */
  get provider(): ProviderMood {
    const mood = readText(path.join(this.#root, 'provider')) ?? 'answers';
    if (!isMood(mood)) throw new Error(`a provider is not ${JSON.stringify(mood)}`);
    return mood;
  }

  /** Forgets a session; false when there is none. */
  forgetSession(session: string): boolean {
    const file = this.#file('sessions', session);
    const known = readText(file) !== undefined;
    fs.rmSync(file, { force: true });
    return known;
  }

  /** The config's hash and the config, secrets redacted. */
  readConfig(): { hash: string; config: unknown } {
    const text = this.#configText();
    return { hash: digest([text]), config: redact(JSON5.parse(text)) };
  }

  /** Merges a patch into the config and applies it at once; a sentence says why not. A list that loses entries must be named. */
  patchConfig(baseHash: string, patch: unknown, replacePaths: readonly string[]): string | undefined {
    const stale = 'config changed since last load; re-run config.get and retry';
    const lock = this.#memory('patch.lock');
    if (!createFile(lock, String(process.pid)) && !takeOver(lock)) return stale;
    try {
      const text = this.#configText();
      if (digest([text]) !== baseHash) return stale;
      const merged = merge(JSON5.parse(text), patch);
      const lost = losses(JSON5.parse(text), merged).filter((each) => !replacePaths.includes(each));
      if (lost.length > 0) return `config.patch would remove entries from array path(s): ${lost.join(', ')}.`;
      const parsed = config.parse(merged);
      const { token } = parsed.gateway.auth;
      const { keys } = resolveKeys(this.#file(), parsed, this.modelKeys);
      const tokens = resolveTokens(this.#file(), parsed, this.channelTokens);
      replaceFile(this.#file(configFile), `${JSON.stringify(merged, undefined, 2)}\n`);
      const inForce = this.takesToken === 'unheard' ? this.token : token;
      replaceFile(this.#memory('boot.json'), JSON.stringify({ bootId: this.bootId, token: inForce, keys, tokens }));
      if (this.takesToken === 'anew') this.#beginAnew();
      return undefined;
    } finally {
      fs.rmSync(lock, { force: true });
    }
  }

  /**
   * How its release takes another token, by its image's label `test.token`: while it runs; it tells nobody which boot it
   * is; it hears nothing of it; or it begins anew.
   */
  get takesToken(): z.infer<typeof takings> {
    return takings.parse(labelsOf(this.#root, this.#container)['test.token'] ?? 'hot');
  }

  #beginAnew(): void {
    const state = readState(this.#root, this.#container);
    const startedAt = new Date().toISOString();
    if (state) replaceFile(stateFile(this.#root, this.#container), JSON.stringify({ ...state, startedAt }));
  }

  #log(message: string): void {
    const line = JSON.stringify({ time: new Date(this.now()).toISOString(), message });
    fs.appendFileSync(this.#memory('log.jsonl'), `${line}\n`);
  }

  #forgetFailures(until: number): void {
    for (const name of listNames(this.#memory('failures'))) {
      if (Number.parseFloat(name) <= until) fs.rmSync(this.#memory('failures', name), { force: true });
    }
  }

  #config(): Config {
    return config.parse(JSON5.parse(this.#configText()));
  }

  #configText(): string {
    return readText(this.#file(configFile)) ?? '{}';
  }

  #file(...parts: string[]): string {
    return path.join(this.#root, 'files', encodeURIComponent(this.#container.volume), ...parts);
  }

  #memory(...parts: string[]): string {
    return path.join(this.#root, 'memory', encodeURIComponent(this.#container.name), ...parts);
  }
}

const takings = z.enum(['hot', 'silent', 'unheard', 'anew']);

/** The gateway as booted, booting it when this start of the container has not been seen yet. A config it cannot run on ends it with 78. */
function boot(root: string, container: ContainerRecord): DirectoryGateway {
  if (Date.now() < bootedAt(root, container) || isDeaf(root, container))
    throw new NotYet(`nothing listens on 127.0.0.1:${container.hostPort} yet: ${container.name} boots`);
  const bootId = bootIdOf(root, container);
  const kept = path.join(root, 'memory', encodeURIComponent(container.name));
  if (readRecord(path.join(kept, 'boot.json'), memory)?.bootId !== bootId) {
    if (ownerOf(root, path.join(root, 'files', encodeURIComponent(container.volume), configFile)) !== 1000)
      throw exit(root, container, 78, `EACCES: permission denied, open '${stateDirectory}/${configFile}'`);
    const read = readConfig(path.join(root, 'files', encodeURIComponent(container.volume), configFile));
    if (!read)
      throw exit(root, container, 78, 'Gateway start blocked: existing config is missing gateway.mode or a token.');
    if ('customerNotes' in read && labelsOf(root, container)['test.takes'] !== 'customerNotes')
      throw exit(root, container, 78, 'Invalid config at openclaw.json:\n<root>: Unrecognized key: "customerNotes"');
    migrate(root, container);
    fs.rmSync(path.join(kept, 'failures'), { recursive: true, force: true });
    keepLastGood(path.join(root, 'files', encodeURIComponent(container.volume)));
    const state = path.join(root, 'files', encodeURIComponent(container.volume));
    const [{ keys }, tokens] = [resolveKeys(state, read, {}), resolveTokens(state, read, {})];
    replaceFile(
      path.join(kept, 'boot.json'),
      JSON.stringify({ bootId, token: read.gateway.auth.token, shut: isShut(read), keys, tokens }),
    );
  }
  return new DirectoryGateway(root, container, bootId);
}

function isMood(mood: string): mood is ProviderMood {
  return moods.includes(mood);
}

/** The key of each provider: from its file, or else as it was before; and whose could not be read. */
function resolveKeys(state: string, read: Config, before: Readonly<Record<string, string>>) {
  const named = Object.entries(read.models.providers).filter(([, { apiKey }]) => apiKey !== undefined);
  const found = named.map(([id, { apiKey }]) => [id, typeof apiKey === 'string' ? apiKey : keyAt(state, read, apiKey)]);
  const missing = found.flatMap(([id, key]) => (key === undefined && id !== undefined ? [id] : []));
  const keys = found.flatMap(([id = '', key = before[id]]) => (key === undefined ? [] : [[id, key] as const]));
  return { keys: Object.fromEntries(keys), missing };
}

function isTokenKey(key: string): boolean {
  return /token$/i.test(key);
}

/** A reference of a channel itself is read where an account takes it over; without accounts there is a default one. */
function isInherited(accounts: unknown, key: string): boolean {
  if (!isObject(accounts) || Object.keys(accounts).length === 0) return true;
  return Object.values(accounts).some((each) => isObject(each) && each['enabled'] !== false && !(key in each));
}

/** The token of each channel that is switched on: as it stands in the config, from its file, or else as it was before. */
function resolveTokens(state: string, read: Config, before: Readonly<Record<string, string>>): Record<string, string> {
  const found = Object.entries(read.channels).flatMap(([kind, block]) =>
    Object.entries(block)
      .filter(([key]) => isTokenKey(key) && block['enabled'] !== false)
      .map(([key, said]) => {
        const entry = `${kind}.${key}`;
        const found = isInherited(block['accounts'], key) ? keyAt(state, read, said) : undefined;
        return [entry, typeof said === 'string' ? said : (found ?? before[entry])] as const;
      }),
  );
  return Object.fromEntries(found.flatMap(([entry, token]) => (token === undefined ? [] : [[entry, token]])));
}

function keyAt(state: string, read: Config, apiKey: unknown): string | undefined {
  const reference = fileReference.safeParse(apiKey).data;
  const files = secretFiles.safeParse(read).data?.secrets.providers ?? {};
  const file = files[reference?.provider ?? '']?.path;
  if (!reference || file === undefined) return undefined;
  const text = readText(path.join(state, path.posix.relative(stateDirectory, file)));
  const found: unknown = text === undefined ? undefined : JSON.parse(text);
  const key = isObject(found) ? found[reference.id.slice(1)] : undefined;
  return typeof key === 'string' ? key : undefined;
}

function readConfig(file: string): Config | undefined {
  try {
    return config.parse(JSON5.parse(readText(file) ?? ''));
  } catch {
    return undefined; // Whatever is wrong with it, the gateway does not start on it.
  }
}

function isShut({ gateway }: Config): boolean {
  const { tls, bind } = gateway;
  return bind === 'loopback' || (isObject(tls) && tls['enabled'] === true);
}

/** What a gateway has started on is what it would go back to. */
function keepLastGood(state: string): void {
  const text = readText(path.join(state, configFile));
  if (text !== undefined) replaceFile(path.join(state, lastGoodFile), text);
}

/** Takes the state over; a newer one, or a release that dies, ends it with 1 (T13). */
function migrate(root: string, container: ContainerRecord): void {
  const labels = labelsOf(root, container);
  const file = path.join(root, 'files', encodeURIComponent(container.volume), 'state', 'version');
  const written = readText(file);
  const own = labels['creel.release'] ?? '';
  if (written !== undefined && compareReleases(own, written) < 0)
    throw exit(root, container, 1, `Refusing to run: this OpenClaw binary (${own}) is older than ${written}.`);
  if (written !== own) replaceFile(file, own);
  if (readText(path.join(path.dirname(file), 'broken')) !== undefined)
    throw exit(root, container, 1, 'Gateway failed to start: its state is broken.');
  if (labels['test.behaviour'] === 'crashes') throw exit(root, container, 1, 'Gateway failed to start: it crashes.');
}

function labelsOf(root: string, container: ContainerRecord): Readonly<Record<string, string>> {
  const all = path.join(root, 'images');
  const image = listNames(all)
    .map((file) => readRecord(path.join(all, file), imageRecord))
    .find((each) => each?.id === container.imageId);
  return image?.labels ?? {};
}

function exit(root: string, container: ContainerRecord, exitCode: number, line: string): NotYet {
  writeLog(root, container.id, [line]);
  const state = readState(root, container);
  if (state) replaceFile(stateFile(root, container), JSON.stringify({ ...state, state: 'exited', exitCode }));
  return new NotYet(
    `nothing listens on 127.0.0.1:${container.hostPort} (connection refused): ${container.name} exited`,
  );
}

function isDeaf(root: string, container: ContainerRecord): boolean {
  return fs.existsSync(path.join(root, 'files', encodeURIComponent(container.volume), 'state', 'deaf'));
}

/** When a start of the container is over: at once, or after as many milliseconds as its image's label `test.boot` says. */
function bootedAt(root: string, container: ContainerRecord): number {
  const bootMs = Number(labelsOf(root, container)['test.boot'] ?? 0);
  return bootMs === 0 ? 0 : Date.parse(readState(root, container)?.startedAt ?? '') + bootMs;
}

/** Each start of a container is another boot. */
function bootIdOf(root: string, container: ContainerRecord): string {
  return digest([container.id, readState(root, container)?.startedAt ?? '']).slice(0, 32);
}

function readContainer(root: string, name: string): ContainerRecord | undefined {
  return readRecord(path.join(root, 'containers', `${encodeURIComponent(name)}.json`), containerRecord);
}

function stateFile(root: string, container: ContainerRecord): string {
  return path.join(root, 'states', `${encodeURIComponent(container.id)}.json`);
}

function readState(root: string, container: ContainerRecord): StateRecord | undefined {
  return readRecord(stateFile(root, container), stateRecord);
}

function isRunning(root: string, container: ContainerRecord): boolean {
  return readState(root, container)?.state === 'running' && readContainer(root, container.name)?.id === container.id;
}

/** Whether the lock's owner is dead, so that its lock is ours now. */
function takeOver(lock: string): boolean {
  const owner = Number(readText(lock));
  if (isAlive(owner)) return false;
  replaceFile(lock, String(process.pid));
  return true;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex');
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON merge patch (RFC 7396). */
function merge(base: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: { [key: string]: unknown } = isObject(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

/** The paths of the lists that have lost entries. */
function losses(before: unknown, after: unknown, at = ''): string[] {
  if (Array.isArray(before)) {
    const kept = new Set((Array.isArray(after) ? after : []).map((each) => JSON.stringify(each)));
    return before.every((each) => kept.has(JSON.stringify(each))) ? [] : [at.slice(1)];
  }
  if (!isObject(before)) return [];
  const inner = isObject(after) ? after : {};
  return Object.entries(before).flatMap(([key, value]) => losses(value, inner[key], `${at}.${key}`));
}

function redact(value: unknown): unknown {
  if (!isObject(value)) return value;
  const secret = /token$/i;
  const show = ([key, inner]: [string, unknown]) =>
    [key, typeof inner === 'string' && secret.test(key) ? '__OPENCLAW_REDACTED__' : redact(inner)] as const;
  return Object.fromEntries(Object.entries(value).map(show));
}
