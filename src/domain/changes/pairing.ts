import {
  covers,
  isWanted,
  type KnownDevice,
  type PairedDevice,
  type PendingDevice,
  type Wanted,
} from '../devices/device.js';
import { clockSkewMs, handshakeMs } from '../thresholds.js';

/** A pairing: which device to let in, and with what at most. */
export type Pairing = {
  readonly kind: 'pair';
  readonly wanted: Wanted;
  /**
   * What it may become without asking an operator, and will be once the pairing is done: a role, or several, separated
   * by commas.
   */
  readonly role: string;
  readonly scopes: readonly string[];
  /** How long to wait for it: first to ask, then to connect. */
  readonly waitMs: number;
  /** When the pairing began: a device that was approved earlier was paired before, and stays. */
  readonly since: number;
  /** Devices that creel had approved by then; absent in records of older pairings. */
  readonly approved?: readonly string[];
};

/** Turns a device's request down; what is paired stays paired. */
export type Denial = { readonly kind: 'deny'; readonly deviceId: string };

/** Cuts a paired device off. */
export type Unpairing = { readonly kind: 'unpair'; readonly deviceId: string };

/**
 * What a paired device may do without an operator's word: use the gateway. Left out is all that would make it an
 * administrator: `operator.admin`, letting others in (`operator.pairing`), reading secrets (`operator.talk.secrets`).
 */
export const ordinaryScopes: readonly string[] = [
  'operator.read',
  'operator.write',
  'operator.approvals',
  'operator.questions',
  'operator.talk',
];

/** The roles that a pairing is about. */
export function rolesOf({ role }: Pick<Pairing, 'role'>): string[] {
  return role.split(',');
}

/** What a device asks for beyond what the pairing allows and the roles it already has. */
export function excess(pairing: Pairing, asked: KnownDevice, has: readonly string[] = []): string[] {
  const { scopes } = pairing;
  const allowed = [...rolesOf(pairing), ...has];
  const roles = asked.roles.filter((each) => !allowed.includes(each)).map((each) => `role ${each}`);
  return [...roles, ...asked.scopes.filter((scope) => !covers(scopes, [scope])).toSorted()];
}

/**
 * Whether this pairing let a device in, as far as the gateway can tell: it is the one meant, and was approved since.
 */
export function isApprovedSince(pairing: Pairing, device: PairedDevice): boolean {
  const byHand = !['bootstrap', 'silent'].includes(device.approvedVia);
  return byHand && isWanted(pairing.wanted, device) && device.approvedAtMs >= beginOf(pairing, device);
}

/**
 * Whether a device has connected with what it was last approved for. When its connection was under way during the
 * approval, the gateway notes an earlier time, or none: then any connection counts, if it could not have been let in
 * otherwise.
 */
export function hasConnected({ createdAtMs, approvedAtMs, lastSeenAtMs, connected }: PairedDevice): boolean {
  if (lastSeenAtMs >= approvedAtMs) return true;
  return createdAtMs === approvedAtMs && (connected || lastSeenAtMs > 0);
}

/**
 * Whether a request was noted while the approval of the same wish was under way: a gateway forgets it only with time.
 */
export function isOvertaken({ roles, scopes, ts }: PendingDevice, by: PairedDevice): boolean {
  const hasAll = covers(by.scopes, scopes) && roles.every((role) => by.roles.includes(role));
  return hasAll && ts < by.approvedAtMs + handshakeMs;
}

/** Whether a device was not paired at all before the pairing began. */
export function isNewSince(pairing: Pairing, device: PairedDevice): boolean {
  return device.createdAtMs >= beginOf(pairing, device);
}

/**
 * From when on an approval counts as this pairing's. For a device that an earlier pairing let in, clocks get no
 * allowance.
 */
function beginOf({ since, approved = [] }: Pairing, { deviceId }: PairedDevice): number {
  return approved.includes(deviceId) ? since : since - clockSkewMs;
}
