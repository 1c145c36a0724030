import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { RoomAsked } from '../../activities/hosts/ledger.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { Need } from '../../domain/hosts/ledger.js';
import type { Place } from '../../domain/hosts/place.js';
import type { Whereabouts } from '../../domain/hosts/whereabouts.js';
import { ledgerWorkflowId } from '../../wire/ids.js';
import { promiseSignal } from '../../wire/ledger.js';
import type { Attempted, OperationInput, OperationResult } from '../../wire/operation.js';
import type { ParkAnswer } from '../../wire/park.js';
import { askPolicy } from './policies.js';
import type { Pause } from './saga.js';
import { lookEverywhere } from './whereabouts.js';

/** What is on record of a place once it was found. */
export type FoundPlace = Required<Pick<Place, 'engine'>> & Pick<Place, 'promised'>;

/** Waits for an operator's word. */
export type Park = (pause: Pause) => Promise<ParkAnswer | 'expired'>;

type Asking = { findRoom: (...args: Parameters<Activities['findRoom']>) => Promise<Attempted<string>> };

const nothing: Need = { memoryMb: 0, cpus: 0, diskMb: 0 };

/**
 * Has the ledger promise a host to a life that begins: the one that is named, or one with room. Where there is none, an
 * operator is asked, as long as the spec allows, and with each `retry` the ledger again. One that is named and does not
 * answer is waited for, and the ledger hears of it afterwards.
 */
export async function askLedger(input: OperationInput, seen: Whereabouts, park: Park): Promise<FoundPlace> {
  const { gateway, limits } = input;
  const wanted = gateway.place.engine;
  if (wanted !== undefined && seen.unasked.some(({ engine }) => engine === wanted))
    return { engine: wanted, promised: true };
  const { findRoom } = proxyActivities<Asking>({ ...askPolicy(limits), summary: 'find a host with room' });
  let now = seen;
  for (let attempt = 1; ; attempt += 1) {
    setCurrentDetails('find a host with room');
    try {
      if (attempt > 1) now = await lookEverywhere(gateway.mark, limits);
      const { value: engine } = await findRoom({ ...placingOf(input, now), attempt });
      return { engine, promised: true };
    } catch (error) {
      const reason = refusalIn(error);
      const answer =
        reason === undefined
          ? undefined
          : await park({ step: 'find a host', doing: 'do', reason, answers: ['retry', 'abort'] });
      if (answer === 'retry') continue;
      await CancellationScope.nonCancellable(() => tell(gateway, nothing));
      throw error;
    }
  }
}

/** What an operation makes a gateway take of its engine that the ledger has not promised it: a state that was kept comes back, or it is to have more. */
export function moreIn({ kind, gateway: { place, spec }, change }: OperationInput): Need | undefined {
  if (!place.promised || place.engine === undefined) return undefined;
  if (kind === 'restore') return needOf(spec);
  if (!change || !('to' in change) || kind === 'way-back') return undefined;
  const [before, after] = [needOf(spec), needOf(change.to)];
  const both = {
    memoryMb: Math.max(before.memoryMb, after.memoryMb),
    cpus: Math.max(before.cpus, after.cpus),
    diskMb: Math.max(before.diskMb, after.diskMb),
  };
  const isMore = both.memoryMb > before.memoryMb || both.cpus > before.cpus || both.diskMb > before.diskMb;
  return isMore ? both : undefined;
}

/** Has the ledger promise that much to a gateway, or its state, where it stands. Where there is no room, a restore asks an operator as a provision does. */
export async function askForMore(input: OperationInput, need: Need, park: Park): Promise<void> {
  const { gateway, limits, number, kind } = input;
  const { findRoom } = proxyActivities<Asking>({ ...askPolicy(limits), summary: 'find room on its host' });
  const { gateway: id, birth } = gateway.mark;
  const asked = { gateway: id, birth, need, engines: [gateway.place.engine ?? ''], silent: [], stands: true } as const;
  for (let attempt = 1; ; attempt += 1) {
    setCurrentDetails('find room on its host');
    try {
      await findRoom({ ...asked, attempt, operation: number, taskQueue: workflowInfo().taskQueue });
      return;
    } catch (error) {
      const reason = kind === 'restore' ? refusalIn(error) : undefined;
      const answer =
        reason === undefined
          ? undefined
          : await park({ step: 'find room', doing: 'do', reason, answers: ['retry', 'abort'] });
      if (answer === 'retry') continue;
      const before = needOf(gateway.spec);
      await CancellationScope.nonCancellable(() =>
        tell(gateway, kind === 'restore' ? { ...nothing, diskMb: before.diskMb } : before),
      );
      throw error;
    }
  }
}

function placingOf(
  { kind, gateway: { mark, place, spec } }: OperationInput,
  seen: Whereabouts,
): Omit<RoomAsked, 'attempt' | 'operation'> {
  const meant = (all: readonly { readonly engine: string }[]) =>
    all.map(({ engine }) => engine).filter((engine) => place.engine === undefined || engine === place.engine);
  return {
    gateway: mark.gateway,
    birth: mark.birth,
    need: needOf(spec),
    ...(kind === 'provision' && spec.fence !== 'off' && { fenced: true as const }),
    engines: meant(seen.asked),
    silent: meant(seen.unasked),
    taskQueue: workflowInfo().taskQueue,
  };
}

/** Tells the ledger, of a life that it has promised something, what that takes now that an operation has ended. */
export async function tellLedger(input: OperationInput, result: OperationResult): Promise<void> {
  const { gateway } = input;
  const need = gateway.place.promised && needAfter(input, result);
  if (need) await tell(gateway, need);
}

/** What a life takes after an operation; undefined where that is as before, or not known: then the next count finds it. */
function needAfter(
  { kind, gateway, change, gone, keeps }: OperationInput,
  { outcome }: OperationResult,
): Need | undefined {
  const { spec } = gateway;
  if (gone) return nothing;
  const isDone = outcome === 'done' || outcome === 'degraded';
  if (kind === 'remove' || kind === 'purge')
    return outcome === 'done' ? { ...nothing, diskMb: keeps ? needOf(spec).diskMb : 0 } : undefined;
  if (kind === 'provision' && outcome === 'undone') return nothing;
  if (change && outcome === 'undone') return 'to' in change ? needOf(spec) : undefined; // It may have asked for more.
  if (!isDone) return undefined;
  if (change) return 'to' in change ? needOf(change.to) : undefined;
  return kind === 'way-back' ? undefined : needOf(spec);
}

function needOf({ memoryMb, cpus, diskMb = 0 }: GatewaySpec): Need {
  return { memoryMb, cpus, diskMb };
}

/** A ledger that was ended by hand hears nothing: the next one counts everything anew. */
async function tell({ mark, place }: Gateway, need: Need): Promise<void> {
  const { gateway, birth } = mark;
  const told = { gateway, birth, engine: place.engine ?? '', need };
  try {
    await getExternalWorkflowHandle(ledgerWorkflowId).signal(promiseSignal, told);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}

function refusalIn(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === 'Refused' ? cause.message : undefined;
}
