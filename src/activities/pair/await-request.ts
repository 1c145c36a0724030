import type { Changing } from '../../domain/gateway/changing.js';
import { describeWanted, isWanted, type PairedDevice, type PendingDevice } from '../../domain/devices/device.js';
import { NotYet, Refused } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { excess, isApprovedSince, type Pairing } from '../../domain/changes/pairing.js';
import { pairingPaceMs, pairingSlowMs } from '../../domain/thresholds.js';
import type { Session } from '../../ports/gateway-door.js';
import type { Deps } from '../../world/deps.js';
import { describeDevice, listDevices } from '../parts/door/devices.js';
import { auditWhenTooMany, Mismatches } from './mismatches.js';
import { onGatewayClock } from '../parts/door/clock.js';
import { openSession } from '../parts/door/operator.js';
import { until } from '../../world/until.js';

/** A device that asks to be let in, and the roles that it has already. */
export type Asking = { readonly kind: 'asks'; readonly device: PendingDevice; readonly has: readonly string[] };

/**
 * Where a wanted device stands: it asks to be let in, or is let in already. `others` ask, too, and describe themselves
 * alike.
 */
export type FoundDevice = { readonly others: readonly PendingDevice[] } & (
  | Asking
  | { readonly kind: 'paired'; readonly device: PairedDevice }
);

/** Refuses a pairing that cannot succeed: creel's own device must be let in, and cannot itself be paired. */
export async function probePairable(deps: Deps, gateway: Changing<Pairing>): Promise<string> {
  demandNotOwn(deps, gateway, gateway.change.wanted);
  const session = await openSession(deps, gateway);
  try {
    const { paired, pending } = await listDevices(session);
    const { role, scopes } = gateway.change;
    return `serving, ${paired.length} paired, ${pending.length} waiting; allowed are role ${role}, ${scopes.join(', ')}`;
  } finally {
    session.close();
  }
}

/**
 * Waits until the wanted device asks to be let in, or is let in. It must be the only one: nothing approved yet says
 * which of several is meant.
 */
export async function probeRequest(deps: Deps, gateway: Changing<Pairing>): Promise<string> {
  return whilePairing(deps, gateway, 'it has not asked to be let in', async (session) => {
    const found = await findWanted(deps, gateway, session);
    if (found.others.length > 0) throw confused(gateway, [found.device, ...found.others]);
    const device = describeDevice(found.device);
    if (found.kind === 'paired') return `${device} is paired already, with ${found.device.scopes.join(', ')}`;
    const beyond = excess(gateway.change, found.device, found.has);
    return `${device} asks from ${found.device.remoteIp} for ${wish(found.device)}${beyond.length === 0 ? '' : `; not allowed: ${beyond.join(', ')}`}`;
  });
}

/**
 * Where the wanted device stands now. Once one was let in, the pairing is about that one, whoever else asks. Two that
 * were let in, or two that ask before, are never told apart by name: `Refused`, naming both.
 */
export async function findWanted(deps: Deps, gateway: Changing<Pairing>, session: Session): Promise<FoundDevice> {
  const { mark } = gateway;
  const change = await onGatewayClock(deps, session, gateway.change);
  const own = ownDevice(deps, gateway);
  const { paired, pending } = await listDevices(session);
  const asking = pending.filter((each) => each.deviceId !== own && isWanted(change.wanted, each));
  const letIn = paired.filter((each) => each.deviceId !== own && isLetIn(change, each));
  const [known] = letIn;
  const meant = known ? asking.filter(({ deviceId }) => deviceId === known.deviceId) : asking;
  if (letIn.length > 1) throw confused(gateway, letIn);
  if (meant.length > 1) throw confused(gateway, meant);
  const others = asking.filter((each) => !meant.includes(each));
  const [device] = meant;
  const has = paired.find(({ deviceId }) => deviceId === device?.deviceId)?.roles ?? [];
  if (device) return { kind: 'asks', device, has, others };
  if (known) return { kind: 'paired', device: known, others };
  throw new NotYet(
    `${describeWanted(change.wanted)} has not asked gateway ${mark.gateway} to be let in yet (${pending.length} others wait)`,
  );
}

/** The refusal when the description fits several devices. */
function confused({ change }: Changing<Pairing>, devices: readonly (PairedDevice | PendingDevice)[]): Refused {
  const each = devices.map(
    (device) =>
      `${describeDevice(device)} ${'requestId' in device ? `asks from ${device.remoteIp}` : 'was let in just now'}, --device ${device.deviceId}`,
  );
  return new Refused(
    `${devices.length} devices match ${describeWanted(change.wanted)}: ${each.join('; ')}. This pairing lets none of them in: name the one you mean`,
  );
}

/** Polls a pairing over one session until there is an answer, counting wrong tokens meanwhile. */
export async function whilePairing<T>(
  deps: Deps,
  gateway: Changing<Pairing>,
  what: string,
  look: (session: Session) => Promise<T>,
): Promise<T> {
  let seen: Mismatches | undefined;
  const wait = { what, paceMs: pairingPaceMs, slowsToMs: pairingSlowMs, limitMs: gateway.change.waitMs };
  let session: Session | undefined;
  try {
    return await until(wait, deps.signal(), async () => {
      session ??= await openSession(deps, gateway);
      seen ??= new Mismatches((await onGatewayClock(deps, session, gateway.change)).since);
      await seen.read(session);
      await auditWhenTooMany(deps, gateway, seen);
      return look(session);
    });
  } finally {
    session?.close();
  }
}

/** What a device asks for, or has. */
export function wish({ roles, scopes }: Pick<PendingDevice, 'roles' | 'scopes'>): string {
  return `role ${roles.join(', ')}, ${scopes.length === 0 ? 'no scopes' : scopes.join(', ')}`;
}

/** `Refused` for creel's own device, which creel pairs itself: it is neither approved nor cut off by hand. */
export function demandNotOwn(deps: Deps, gateway: Gateway, wanted: Pairing['wanted']): void {
  if (!('deviceId' in wanted) || wanted.deviceId !== ownDevice(deps, gateway)) return;
  const id = gateway.mark.gateway;
  throw new Refused(
    `${describeWanted(wanted)} is creel's own device of gateway ${id}. \`creel provision ${id}\` pairs it; \`creel rotate ${id} --evict\` replaces it`,
  );
}

function ownDevice(deps: Deps, gateway: Gateway): string {
  return deps.keys.device(gateway).id;
}

/** A name never means a device that was paired earlier, only one that is still to ask. */
function isLetIn(change: Pairing, device: PairedDevice): boolean {
  return 'deviceId' in change.wanted ? isWanted(change.wanted, device) : isApprovedSince(change, device);
}
