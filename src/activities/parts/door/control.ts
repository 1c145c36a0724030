import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PairedDevice, PendingDevice } from '../../../domain/devices/device.js';
import { Refused } from '../../../domain/errors.js';
import { masked, plain } from '../../../domain/heard.js';
import { devicesMost, logBytes, logLines, nameCharacters, turnSliceMs } from '../../../domain/thresholds.js';
import { RpcError, type Session } from '../../../ports/gateway-door.js';

/** A way to ask a gateway: a session from outside, or its container from inside. A refusal is an `RpcError`. */
export type Control = Pick<Session, 'call'>;

/** A merge patch for the running config, and the lists in it that lose entries. */
export type ConfigPatch = { readonly raw: string; readonly replacePaths?: readonly string[] };

/**
 * Methods whose answer is compared and shown to nobody, so it is handed on unchanged; every other answer is made plain.
 */
export const handedOnRaw: readonly string[] = ['config.get'];

/** What a device says of itself, cut to what a table and a question can show. */
const word = z.string().transform((said) => masked(plain(said, nameCharacters), []));
const words = z.array(word).max(100);

const known = {
  deviceId: z.string().max(128),
  clientId: word.default(''),
  platform: word.default(''),
  displayName: word.default(''),
  roles: words.default([]),
  scopes: words.default([]),
};

const pairedDevice = z.object({
  ...known,
  createdAtMs: z.number().default(0),
  approvedAtMs: z.number().default(0),
  approvedVia: word.default(''),
  lastSeenAtMs: z.number().default(0),
  connected: z.boolean().default(false),
});

const pendingDevice = z.object({
  ...known,
  requestId: z.string().max(128),
  remoteIp: word.default(''),
  ts: z.number().default(0),
});

const deviceList = z.object({
  paired: z.array(pairedDevice).max(devicesMost),
  pending: z.array(pendingDevice).max(devicesMost),
});

const approval = z.object({ device: z.object({ deviceId: z.string() }) });

const presence = z.array(z.looseObject({ deviceId: z.string().optional(), reason: z.string().optional() }));

const logTail = z.object({ cursor: z.number(), lines: z.array(z.string()) });

const channelAccount = z.object({
  accountId: z.string().nullish(),
  lifecycle: z.string().nullish(),
  connected: z.boolean().nullish(),
  linked: z.boolean().nullish(),
  terminalDisconnect: z.boolean().nullish(),
  lastError: z.string().nullish(),
});

const channelStatus = z.object({
  running: z.boolean().nullish(),
  /** Of a channel to which a phone is linked. */
  linked: z.boolean().nullish(),
  lastError: z.string().nullish(),
  probe: z.object({ ok: z.boolean(), status: z.number().nullish(), error: z.string().nullish() }).nullish(),
});

const channelList = z.object({
  channels: z.record(z.string(), channelStatus),
  channelAccounts: z.record(z.string(), z.array(channelAccount)).default({}),
});

const config = z.object({ hash: z.string() });

/** How a release takes up one setting; a release that does not say restarts for it. */
const lookedUp = z.object({ reloadKind: z.string().optional() });

const secretOwners = z.object({ degradedSecretOwners: z.array(z.object({ ownerId: z.string() })).default([]) });

const begunTurn = z.object({ runId: z.string().max(200) });

const model = z.object({ provider: z.string(), model: z.string() });

const endedTurn = z.object({
  status: z.string(),
  error: z.string().nullish(),
  terminalReceipt: z.object({ effective: model.nullish() }).nullish(),
});

/** Why nobody was answered, as far as a gateway's own words tell it. */
export type Fault = keyof typeof faults | 'other';

/** How a turn ended; `by` is the model that answered, where the release says so. */
export type Turn =
  | { readonly answered: true; readonly by: string | undefined }
  | { readonly answered: false; readonly fault: Fault; readonly said: string };

/** What gateways of both kinds of release say of each fault; the first that fits counts. */
const faults = {
  /** A rest of a minute or two is waited for, like anything else that passes. */
  resting: /temporarily disabled after a provider auth\/billing failure.*about (?![12] minutes?\b)\d+ minutes/,
  'no key': /Secret owner .* unavailable|No API key found|No route-compatible authentication/i,
  'wrong key': /HTTP 40[13]\b|Authentication failed/i,
  'no credit': /billing error|provider billing|out of credits|insufficient balance/i,
  'unknown model': /model is unavailable from the provider|model was not found|model not found|unknown model/i,
} as const;

/**
 * What a gateway says of one channel; `account` is the one that creel's token belongs to, where the release tells of
 * accounts.
 */
export type ChannelStatus = z.infer<typeof channelStatus> & { readonly account?: z.infer<typeof channelAccount> };

/** The paired and the waiting devices, as the gateway lists them; an answer of another form is `Refused`. */
export async function readDevices(control: Control): Promise<{ paired: PairedDevice[]; pending: PendingDevice[] }> {
  const read = deviceList.safeParse(await control.call('device.pair.list', {}));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Refused(
    `the gateway's list of devices cannot be read (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}): more than ${devicesMost} devices, or not of a form that creel knows`,
  );
}

/**
 * Approves a request and returns the device it came from. Undefined where the gateway does not say, or no longer knows
 * the request: replaced, expired, or approved already.
 */
export async function approveRequest(control: Control, requestId: string): Promise<string | undefined> {
  const answer = await unlessGone(control.call('device.pair.approve', { requestId }));
  return approval.safeParse(answer).data?.device.deviceId;
}

/** Turns a request down; one that is gone already counts as turned down. */
export async function rejectRequest(control: Control, requestId: string): Promise<void> {
  await unlessGone(control.call('device.pair.reject', { requestId }));
}

/** Unpairs a device; one that is gone already counts as unpaired. */
export async function removeDevice(control: Control, deviceId: string): Promise<void> {
  await unlessGone(control.call('device.pair.remove', { deviceId }));
}

/**
 * Takes a device's token for one role, if it has one. Whether it is let in all the same is for the gateway's list to
 * say.
 */
export async function revokeToken(control: Control, deviceId: string, role: string): Promise<void> {
  const revoked = control.call('device.token.revoke', { deviceId, role });
  await revoked.catch(unlessSaid((message) => message === 'device token revocation denied'));
}

/** The devices that a gateway reports as present: an older release reports some kinds of program, a newer one none. */
export async function readPresent(control: Control): Promise<string[]> {
  return presence
    .parse(await control.call('system-presence', {}))
    .flatMap(({ deviceId, reason }) => (deviceId === undefined || reason === 'disconnect' ? [] : [deviceId]));
}

/** What the gateway's log has gained since a cursor, or its last lines; and the cursor after them. */
export async function readLog(control: Control, cursor?: number): Promise<z.infer<typeof logTail>> {
  const from = cursor === undefined ? {} : { cursor };
  return logTail.parse(await control.call('logs.tail', { limit: logLines, maxBytes: logBytes, ...from }));
}

/** What the gateway says of each channel that it has loaded, after a probe of its token. */
export async function readChannels(control: Control): Promise<Record<string, ChannelStatus>> {
  const answer = await control.call('channels.status', { probe: true, timeoutMs: 5_000 });
  const { channels, channelAccounts } = channelList.parse(answer);
  const shown = Object.entries(channels).map(([kind, found]): [string, ChannelStatus] => {
    const accounts = channelAccounts[kind] ?? [];
    const own = accounts.find(({ accountId }) => accountId === 'default') ?? accounts[0];
    return [kind, { ...found, ...(own && { account: own }) }];
  });
  return Object.fromEntries(shown);
}

/**
 * Starts a channel. An older release starts none on request, but by itself, five minutes after the last unclean end.
 */
export async function startChannel(control: Control, channel: string): Promise<void> {
  await control.call('channels.start', { channel }).catch(unlessSaid(() => true));
}

/** The hash of the running config, for a patch of exactly that config. */
export async function readConfigHash(control: Control): Promise<string> {
  return config.parse(await control.call('config.get', {})).hash;
}

/** Patches the config that had this hash; `stale` when somebody has edited it since. */
export async function patchConfigOf(control: Control, baseHash: string, patch: ConfigPatch): Promise<'done' | 'stale'> {
  const patched = control.call('config.patch', { baseHash, ...patch });
  const stale = await patched.catch(unlessSaid((message) => message.includes('config changed since last load')));
  return stale === gone ? 'stale' : 'done';
}

/** Whether the gateway's release takes a setting up while it runs, by its own word; one that it does not know is none. */
export async function readReloadable(control: Control, path: readonly string[]): Promise<boolean> {
  if (path.some((part) => !/^[\w-]+$/.test(part))) return false;
  const found = control.call('config.schema.lookup', { path: path.join('.') }).catch(unlessSaid(() => true));
  const { success, data } = lookedUp.safeParse(await found);
  return success && (data.reloadKind === 'hot' || data.reloadKind === 'none');
}

/** Says something in a session of its own, which is made by it; answers the run that follows. Nothing goes to a channel. */
export async function beginTurn(control: Control, sessionKey: string, message: string): Promise<string> {
  const asked = { sessionKey, message, deliver: false, idempotencyKey: randomUUID() };
  return begunTurn.parse(await control.call('chat.send', asked)).runId;
}

/** How a run has ended; undefined while it goes on after a slice of time. */
export async function awaitTurn(control: Control, runId: string): Promise<Turn | undefined> {
  const answer = await control.call('agent.wait', { runId, timeoutMs: turnSliceMs });
  const { status, error, terminalReceipt } = endedTurn.parse(answer);
  if (status === 'timeout') return undefined;
  const by = terminalReceipt?.effective;
  if (status === 'ok') return { answered: true, by: by ? `${by.provider}/${by.model}` : undefined };
  return { answered: false, ...faultIn(error ?? `the run ended as ${status}`) };
}

/** Ends whatever runs in a session and deletes it; one that is not there already counts as deleted. */
export async function deleteSession(control: Control, key: string): Promise<void> {
  await control.call('chat.abort', { sessionKey: key }).catch(unlessSaid(() => true));
  await control.call('sessions.delete', { key, deleteTranscript: true });
}

function faultIn(error: string): { fault: Fault; said: string } {
  const said = error
    .replace(/^\W*Agent failed before reply: /, '')
    .replace(/ (?:To view logs, run|Logs:) .*$/, '')
    .replace(/\.$/, '');
  const known = Object.keys(faults) as (keyof typeof faults)[];
  return { fault: known.find((each) => faults[each].test(said)) ?? 'other', said };
}

/**
 * Has a running gateway read its files of secrets anew: what it asks next, it asks with them. One that is missing now
 * stays in force as it was.
 */
export async function reloadSecrets(control: Control): Promise<void> {
  await control.call('secrets.reload', {});
}

/**
 * The providers whose key the gateway cannot read, and the accounts of channels whose token (`telegram:default`); none
 * where its release does not say.
 */
export async function readKeyless(control: Control): Promise<string[]> {
  const { degradedSecretOwners } = secretOwners.parse(await control.call('status', {}));
  return degradedSecretOwners.map(({ ownerId }) => ownerId.replace(/^provider:/, ''));
}

/** Asks something for the sake of any answer. */
export async function demandAnswer(control: Control): Promise<void> {
  await control.call('health', {});
}

const gone = Symbol('the gateway does not know it');

/** `gone` instead of a refusal when somebody else has removed it already: that was the wish. */
function unlessGone(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch(unlessSaid((message) => /^unknown (deviceId|requestId)$/.test(message)));
}

/** `gone` instead of a refusal whose message says that the wish is fulfilled already. */
function unlessSaid(expected: (message: string) => boolean): (error: unknown) => typeof gone {
  return (error) => {
    if (error instanceof RpcError && expected(error.message)) return gone;
    throw error;
  };
}
