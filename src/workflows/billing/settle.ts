import { dueOf, standsAs } from '../../domain/billing/account.js';
import { Refused } from '../../domain/errors.js';
import type { GatewaySpec, SpecChange } from '../../domain/gateway/spec.js';
import { differing, type Field } from '../../domain/gateway/spec-words.js';
import { cutMiddle } from '../../domain/cut.js';
import { billAgainMs, reasonBytes } from '../../domain/thresholds.js';
import type { Limits } from '../../wire/limits.js';
import type { Request } from '../../wire/requests.js';
import { acceptRequest } from '../entity/accept.js';
import { checkRequest } from '../entity/check.js';
import type { Paid } from '../record/paid.js';
import { isAlive, isRemoving, pushChange, pushUpkeep, stateKeptUntil, type GatewayState } from '../record/state.js';

/** Whose record it is. */
export type Whose = { readonly deployment: string; readonly gateway: string; readonly limits: Limits };

const origin = 'billing';

/**
 * Has the gateway become what its account says: one operation at a time, once nothing else goes on; only a removal comes
 * before whatever runs. What was refused, or came to nothing, is tried again later, or when the next notice comes.
 */
export function settle(state: GatewayState, whose: Whose, now: number): void {
  noteSuspension(state, now);
  const { paid } = state;
  if (!paid || (paid.again !== undefined && now < paid.again)) return;
  const { be } = dueOf(paid.account, now);
  if (be === 'gone') return end(state, paid, whose, now);
  if (state.running || state.queue.length > 0) return;
  if (be === 'serving') return serve(state, paid, whose, now);
  suspend(state, paid, now);
}

/** When the account comes to something else by itself, or what was refused is tried again (epoch ms); undefined when never. */
export function settlesAt({ paid }: GatewayState, now: number): number | undefined {
  if (!paid) return undefined;
  const due = dueOf(paid.account, now);
  const times = [paid.again, due.until].filter((at) => at !== undefined && at > now).map(Number);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Whether a gateway was begun for a subscription that goes on: what a person removed is not begun by its next invoice. */
export function isPaidFor({ paid }: GatewayState): boolean {
  return paid?.begun === true && standsAs(paid.account).standing !== 'ended';
}

/** It was suspended for this time without payment: a person's `resume` stands until something else is told. */
function noteSuspension(state: GatewayState, now: number): void {
  const { paid, life } = state;
  if (!paid || life?.suspended?.by !== 'account' || dueOf(paid.account, now).be !== 'unpaid') return;
  const { since } = standsAs(paid.account);
  if (paid.suspendedFor !== since) state.paid = { ...paid, suspendedFor: since };
}

function end(state: GatewayState, paid: Paid, whose: Whose, now: number): void {
  if (!isAlive(state)) {
    const { begun: _begun, order: _order, ...rest } = paid;
    if (paid.begun || paid.order) state.paid = rest;
    return;
  }
  if (isRemoving(state)) return;
  ask(state, whose, now, { kind: 'remove', requestId: `billing-ended-${now}`, origin, purge: false });
  if (state.paid) state.paid = { ...state.paid, again: now + billAgainMs }; // What a removal has to leave is for a person.
}

function suspend(state: GatewayState, paid: Paid, now: number): void {
  const { life } = state;
  if (!isAlive(state) || !life) return;
  const { since } = standsAs(paid.account);
  if (life.suspended || paid.suspendedFor === since) return;
  const reason = `unpaid since ${new Date(since).toISOString().slice(0, 10)}`;
  pushChange(state, { kind: 'suspend', requestId: `billing-unpaid-${now}`, origin, reason, by: 'account' });
  state.paid = { ...paid, again: now + billAgainMs };
}

function serve(state: GatewayState, paid: Paid, whose: Whose, now: number): void {
  const { life } = state;
  const { order } = paid;
  if (!life || !isAlive(state)) {
    if (!order || paid.begun) return;
    const { spec, place, birth, keyId } = order;
    const keeps = stateKeptUntil(state) > 0 && life !== undefined;
    const kept = keeps
      ? { how: 'restore' as const, spec: { ...spec, release: life.gateway.spec.release } }
      : { how: 'new' as const, spec };
    const asked = {
      kind: 'provision',
      requestId: `billing-paid-${birth}`,
      origin,
      place,
      birth,
      ...kept,
    } as const;
    if (ask(state, whose, now, { ...asked, ...(keyId !== undefined && { keyId }) })) carriedOut(state);
    return;
  }
  if (life.suspended?.by === 'account') {
    pushUpkeep(state, 'resume');
    return;
  }
  if (!order || life.suspended) return;
  const change = changeOf(life.gateway.spec, order.spec);
  if (!change) return carriedOut(state);
  if (ask(state, whose, now, { kind: 'change', requestId: `billing-plan-${now}`, origin, ...change }))
    carriedOut(state);
}

/** What a plan gives, where another one was paid for: the size, and nothing that the customer has set himself since. */
function changeOf(has: GatewaySpec, asked: GatewaySpec): SpecChange | undefined {
  const sizes: readonly Field[] = ['memoryMb', 'cpus', 'diskMb'];
  if (!differing(has, asked).some((field) => sizes.includes(field))) return undefined;
  const { memoryMb, cpus, diskMb } = asked;
  return { memoryMb, cpus, ...(diskMb !== undefined && { diskMb }) };
}

/** What was paid for is under way, or is so already. */
function carriedOut(state: GatewayState): void {
  if (!state.paid) return;
  const { order: _order, ...rest } = state.paid;
  state.paid = { ...rest, begun: true };
}

/** Asks for it as anybody does; what is refused is for a person, and tried again. True when it was taken. */
function ask(state: GatewayState, { deployment, gateway, limits }: Whose, now: number, request: Request): boolean {
  try {
    checkRequest(state, request, limits);
  } catch (error) {
    if (!(error instanceof Refused) || !state.paid) throw error;
    state.paid = { ...state.paid, refused: cutMiddle(error.message, reasonBytes), again: now + billAgainMs };
    return false;
  }
  acceptRequest(state, request, deployment, gateway, now);
  if (state.paid) {
    const { refused: _refused, again: _again, ...taken } = state.paid;
    state.paid = taken;
  }
  return true;
}
