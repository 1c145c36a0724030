import {
  covers,
  isWanted,
  type KnownDevice,
  type PairedDevice,
  type PendingDevice,
  type Wanted,
} from '../devices/device.js';
import { clockSkewMs, handshakeMs } from '../thresholds.js';

/** A pairing: which device is to be let in, and with what at most. */
export type Pairing = {
  readonly kind: 'pair';
  readonly wanted: Wanted;
  /** What it may become without asking an operator, and is when the pairing is done: a role, or several with commas between. */
  readonly role: string;
  readonly scopes: readonly string[];
  /** How long it is waited for: first to ask, then to connect. */
  readonly waitMs: number;
  /** When the pairing began: what was approved earlier was paired before, and stays. */
  readonly since: number;
  /** Devices that creel had approved by then; on no record of an older pairing. */
  readonly approved?: readonly string[];
};

/** A request of a device is turned down; what is paired stays paired. */
export type Denial = { readonly kind: 'deny'; readonly deviceId: string };

/** A paired device is cut off. */
export type Unpairing = { readonly kind: 'unpair'; readonly deviceId: string };

/**
 * What a paired device may do without an operator's word: use the gateway. Not among them is what makes it an administrator:
 * `operator.admin`, letting others in (`operator.pairing`), reading secrets (`operator.talk.secrets`).
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

/** What a device asks for beyond what the pairing allows, and beyond the roles that it has already. */
export function excess(pairing: Pairing, asked: KnownDevice, has: readonly string[] = []): string[] {
  const { scopes } = pairing;
  const allowed = [...rolesOf(pairing), ...has];
  const roles = asked.roles.filter((each) => !allowed.includes(each)).map((each) => `role ${each}`);
  return [...roles, ...asked.scopes.filter((scope) => !covers(scopes, [scope])).toSorted()];
}

/** Whether a device was let in by this pairing, as far as the gateway can tell: it is meant, and was approved since it began. */
export function isApprovedSince(pairing: Pairing, device: PairedDevice): boolean {
  const byHand = !['bootstrap', 'silent'].includes(device.approvedVia);
  return byHand && isWanted(pairing.wanted, device) && device.approvedAtMs >= beginOf(pairing, device);
}

/**
 * Whether a device was let in with what it was last approved for. When its connection was under way while it was approved,
 * the gateway notes the time before, or none: then any connection says it, if there was nothing else to be let in with.
 */
export function hasConnected({ createdAtMs, approvedAtMs, lastSeenAtMs, connected }: PairedDevice): boolean {
  if (lastSeenAtMs >= approvedAtMs) return true;
  return createdAtMs === approvedAtMs && (connected || lastSeenAtMs > 0);
}

/** Whether a request was noted while the approval of the same wish was under way: a gateway forgets it only with time. */
export function isOvertaken({ roles, scopes, ts }: PendingDevice, by: PairedDevice): boolean {
  const hasAll = covers(by.scopes, scopes) && roles.every((role) => by.roles.includes(role));
  return hasAll && ts < by.approvedAtMs + handshakeMs;
}

/** Whether a device was not paired at all before the pairing began. */
export function isNewSince(pairing: Pairing, device: PairedDevice): boolean {
  return device.createdAtMs >= beginOf(pairing, device);
}

/** From when on an approval counts as this pairing's: to a device that an earlier pairing let in no allowance for clocks is made. */
function beginOf({ since, approved = [] }: Pairing, { deviceId }: PairedDevice): number {
  return approved.includes(deviceId) ? since : since - clockSkewMs;
}
