import type { SenderList } from '../channels/paired-senders.js';
import { Refused } from '../errors.js';

/** A device as a gateway describes it: what it says of itself, and what it asks for or has. */
export type KnownDevice = {
  readonly deviceId: string;
  /** The name a person gave it, or empty. */
  readonly displayName: string;
  /** Which program it is. */
  readonly clientId: string;
  readonly platform: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
};

/**
 * A request to be let in. Another request of the same device replaces it; it is forgotten five minutes after its last
 * change.
 */
export type PendingDevice = KnownDevice & {
  readonly requestId: string;
  readonly remoteIp: string;
  /** Epoch ms by the gateway's clock, like every time in this file. */
  readonly ts: number;
};

/** A device that is let in. */
export type PairedDevice = KnownDevice & {
  readonly createdAtMs: number;
  readonly approvedAtMs: number;
  /**
   * How it was approved, where the release says so: `bootstrap` by a one-time link, `silent` from inside the container.
   */
  readonly approvedVia: string;
  /**
   * When its last connection began; 0 before its first. One that began before the approval may have been let in by it.
   */
  readonly lastSeenAtMs: number;
  /** Whether it has a session open now, where the release says so. */
  readonly connected: boolean;
};

/** Which device is meant: by its id, or by what it says of itself. */
export type Wanted = { readonly deviceId: string } | { readonly name?: string; readonly platform?: string };

const idForm = /^[0-9a-f]{64}$/;

export function isDeviceId(raw: unknown): raw is string {
  return typeof raw === 'string' && idForm.test(raw);
}

const beginningForm = /^[0-9a-f]{8,63}$/;

/** Whether a text can be the beginning of an id, as `creel devices` shows it. */
export function isBeginning(raw: string): boolean {
  return beginningForm.test(raw);
}

/** The one id that begins like this, or `Refused` when none or several do. */
export function idBeginning(beginning: string, ids: readonly string[], gateway: string): string {
  const [found, ...others] = [...new Set(ids)].filter((id) => id.startsWith(beginning));
  const seeThem = `\`creel devices ${gateway}\` lists those there are`;
  if (found === undefined)
    throw new Refused(
      `no device of ${gateway} begins with ${beginning}: ${seeThem}; one that has not asked yet is named by its whole id`,
    );
  if (others.length > 0)
    throw new Refused(`more than one device begins with ${beginning}: ${[found, ...others].join(', ')}`);
  return found;
}

/** Whether a device is one that is meant. What it says of itself proves nothing: two devices can say the same. */
export function isWanted(wanted: Wanted, device: KnownDevice): boolean {
  if ('deviceId' in wanted) return device.deviceId === wanted.deviceId;
  const { name, platform } = wanted;
  if (platform !== undefined && !same(platform, device.platform)) return false;
  return name === undefined || same(name, device.displayName) || same(name, device.clientId);
}

/** What is meant, as people read it. */
export function describeWanted(wanted: Wanted): string {
  if ('deviceId' in wanted) return `device ${shortId(wanted.deviceId)}`;
  const { name, platform } = wanted;
  const words = [name && `named ${JSON.stringify(name)}`, platform && `on ${JSON.stringify(platform)}`];
  return `a device ${words.filter(Boolean).join(' ')}`;
}

/** Enough of an id to tell devices apart by eye. */
export function shortId(deviceId: string): string {
  return deviceId.slice(0, 12);
}

/** Whether some scopes include others: `operator.admin` includes all of them. */
export function covers(given: readonly string[], wanted: readonly string[]): boolean {
  return given.includes('operator.admin') || wanted.every((scope) => given.includes(scope));
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** A gateway's devices, as it lists them. `own` is creel's. */
export type DeviceList = {
  readonly own: string;
  readonly paired: readonly PairedDevice[];
  readonly pending: readonly PendingDevice[];
  /** How many there are beyond those listed; absent when none. */
  readonly left?: number;
  /** Chat senders, where one of its channels lets them in by a code; a sentence says why they could not be read. */
  readonly senders?: SenderList | string;
};
