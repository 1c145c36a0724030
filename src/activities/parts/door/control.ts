import { z } from 'zod';
import type { PairedDevice, PendingDevice } from '../../../domain/devices/device.js';
import { Refused } from '../../../domain/errors.js';
import { masked, plain } from '../../../domain/heard.js';
import { devicesMost, logBytes, logLines, nameCharacters } from '../../../domain/thresholds.js';
import { RpcError, type Session } from '../../../ports/gateway-door.js';

/** Whoever may ask a gateway: a session from outside, or its container from inside. A refusal is an `RpcError`. */
export type Control = Pick<Session, 'call'>;

/** A merge patch for the running config, and the lists in it that lose entries. */
export type ConfigPatch = { readonly raw: string; readonly replacePaths?: readonly string[] };

/** Methods whose answer is compared and shown to nobody: it is handed on as the gateway gave it, where every other is made plain. */
export const handedOnRaw: readonly string[] = ['config.get'];

/** What a device says of itself: of a length that a table and a question can show. */
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
  terminalDisconnect: z.boolean().nullish(),
  lastError: z.string().nullish(),
});

const channelStatus = z.object({
  running: z.boolean().nullish(),
  lastError: z.string().nullish(),
  probe: z.object({ ok: z.boolean(), status: z.number().nullish(), error: z.string().nullish() }).nullish(),
});

const channelList = z.object({
  channels: z.record(z.string(), channelStatus),
  channelAccounts: z.record(z.string(), z.array(channelAccount)).default({}),
});

const config = z.object({ hash: z.string() });

/** What a gateway says of one channel; `account` is the one that creel's token belongs to, where the release tells of accounts. */
export type ChannelStatus = z.infer<typeof channelStatus> & { readonly account?: z.infer<typeof channelAccount> };

/** The devices that are paired and those that ask, as the gateway lists them; an answer of another form is `Refused`. */
export async function readDevices(control: Control): Promise<{ paired: PairedDevice[]; pending: PendingDevice[] }> {
  const read = deviceList.safeParse(await control.call('device.pair.list', {}));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Refused(
    `the gateway's list of devices cannot be read (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}): more than ${devicesMost} devices, or not of a form that creel knows`,
  );
}

/** Approves a request and answers whose it was. Undefined where the gateway does not say, or does not know it: replaced, expired, approved already. */
export async function approveRequest(control: Control, requestId: string): Promise<string | undefined> {
  const answer = await unlessGone(control.call('device.pair.approve', { requestId }));
  return approval.safeParse(answer).data?.device.deviceId;
}

/** The request waits no more; one that is gone already does not. */
export async function rejectRequest(control: Control, requestId: string): Promise<void> {
  await unlessGone(control.call('device.pair.reject', { requestId }));
}

/** The device is paired no more; one that is gone already is not. */
export async function removeDevice(control: Control, deviceId: string): Promise<void> {
  await unlessGone(control.call('device.pair.remove', { deviceId }));
}

/** Takes the token of one role from a device. It may have none: whether it is in all the same, the gateway's list says. */
export async function revokeToken(control: Control, deviceId: string, role: string): Promise<void> {
  const revoked = control.call('device.token.revoke', { deviceId, role });
  await revoked.catch(unlessSaid((message) => message === 'device token revocation denied'));
}

/** The devices that a gateway tells of as present: an older release of some kinds of program, a newer one of none. */
export async function readPresent(control: Control): Promise<string[]> {
  return presence
    .parse(await control.call('system-presence', {}))
    .flatMap(({ deviceId, reason }) => (deviceId === undefined || reason === 'disconnect' ? [] : [deviceId]));
}

/** The lines that the gateway's own log has gained since a cursor, or its last ones; and the cursor after them. */
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

/** Starts a channel. An older release starts none on request: it does so by itself when five minutes have passed without an unclean end. */
export async function startChannel(control: Control, channel: string): Promise<void> {
  await control.call('channels.start', { channel }).catch(unlessSaid(() => true));
}

/** Names what the running config says now, for a patch of exactly that. */
export async function readConfigHash(control: Control): Promise<string> {
  return config.parse(await control.call('config.get', {})).hash;
}

/** Patches the config that had this hash: `stale` when somebody has edited it since. */
export async function patchConfigOf(control: Control, baseHash: string, patch: ConfigPatch): Promise<'done' | 'stale'> {
  const patched = control.call('config.patch', { baseHash, ...patch });
  const stale = await patched.catch(unlessSaid((message) => message.includes('config changed since last load')));
  return stale === gone ? 'stale' : 'done';
}

/** Asks for nothing but an answer. */
export async function demandAnswer(control: Control): Promise<void> {
  await control.call('health', {});
}

const gone = Symbol('the gateway does not know it');

/** What somebody else removed meanwhile is gone, which was the wish. */
function unlessGone(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch(unlessSaid((message) => /^unknown (deviceId|requestId)$/.test(message)));
}

/** A refusal in words that say what was wished is none. */
function unlessSaid(expected: (message: string) => boolean): (error: unknown) => typeof gone {
  return (error) => {
    if (error instanceof RpcError && expected(error.message)) return gone;
    throw error;
  };
}
