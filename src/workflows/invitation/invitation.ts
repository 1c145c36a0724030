import { Refused } from '../../domain/errors.js';
import { visitAt, type Visit } from '../../domain/invitation/invitation.js';
import { longestInvitationMs } from '../../domain/thresholds.js';
import type { Invite, Invited } from '../../wire/invitation.js';
import { isAlive, isRemoving, type GatewayState } from '../record/state.js';

const digestForm = /^[0-9a-f]{64}$/;

/** Phases in which a gateway can be entered; in others it is about to be. */
const open: ReadonlySet<string> = new Set(['ready', 'degraded']);

/** Holds a wish for a link against the gateway, or `Refused`. Changes nothing. */
export function checkInvite(gateway: string, state: GatewayState, { digest, validMs, origin }: Invite): void {
  if (typeof digest !== 'string' || !digestForm.test(digest)) throw new Refused('a link is known by its SHA-256');
  if (!Number.isSafeInteger(validMs) || validMs <= 0 || validMs > longestInvitationMs)
    throw new Refused(`a link is valid for up to ${longestInvitationMs / 86_400_000} days`);
  if (typeof origin !== 'string' || origin.length === 0 || origin.length > 255)
    throw new Refused('who invites has a name of up to 255 characters');
  if (!state.life || !isAlive(state) || isRemoving(state))
    throw new Refused(`nobody is invited to ${gateway}: it is ${state.phase}. \`creel describe ${gateway}\` says why`);
}

/** Takes a checked wish: whatever link there was is worth nothing from now on. */
export function invite(state: GatewayState, { digest, validMs }: Invite, now: number): Invited {
  const until = now + validMs;
  const { life } = state;
  if (life) life.invitation = { digest, until, generation: life.gateway.tokenGeneration };
  return { until };
}

/** How whoever has the link of this digest stands, but for the time. */
export function visitOf(state: GatewayState, digest: string): Visit {
  const { life, phase } = state;
  const invitation = life?.invitation;
  if (!life || invitation?.digest !== digest) return { is: 'unknown' };
  if (!isAlive(state) || isRemoving(state)) return { is: 'over', why: 'removed' };
  const { until, used, generation } = invitation;
  if (used !== undefined) return { is: 'over', why: 'used' };
  if (generation !== life.gateway.tokenGeneration) return { is: 'over', why: 'rotated' };
  if (life.suspended) return { is: 'suspended', until };
  return open.has(phase) ? { is: 'welcome', until } : { is: 'early', until, phase };
}

/** Lets in whoever has the link, once; `Refused` where it lets nobody in. */
export function letIn(state: GatewayState, digest: string, now: number): void {
  const visit = visitAt(visitOf(state, digest), now);
  if (visit.is !== 'welcome') throw new Refused(visit.is === 'over' ? `the link is ${visit.why}` : `it is ${visit.is}`);
  const invitation = state.life?.invitation;
  if (state.life && invitation) state.life.invitation = { ...invitation, used: now };
}
