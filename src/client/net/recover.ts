import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { belongsTo, runsRelease } from '../../domain/gateway/state-mark.js';
import { recoveredOf, type ExportedGateway } from '../../domain/recovery/exported.js';
import type { ProvisionRequest } from '../../wire/requests.js';
import type { Description } from '../../wire/description.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import { isNotFound, NoWorker, TurnedDown, UnknownGateway, unwrap } from '../failure.js';
import { ask, request } from '../gateways.js';
import { recount } from '../ledger.js';

/**
 * What became of a gateway of an export. `recovered`: its record is there again, and it was proved usable, or its state
 * is kept as before; `on record`: it was there already, and nothing was asked; `left out`: an operation of it is under
 * way; `failed`: see the reason.
 */
export type Recovery = {
  readonly gateway: string;
  readonly end: 'recovered' | 'on record' | 'left out' | 'failed';
  readonly reason: string;
};

/** What would become of it. */
export type Foreseen = {
  readonly gateway: string;
  readonly would: 'take up' | 'leave';
  readonly reason: string;
};

/** How many gateways are taken up at once: each is proved by a few calls of its worker. */
const atOnce = 5;

/** How often a take-up is looked at; it lasts a second or two. */
const paceMs = 500;

/** Says of each gateway whether it would be taken up, as far as the records say that; no engine is looked at. */
export async function foreseeRecovery(
  client: Client,
  gateways: readonly ExportedGateway[],
  anew: boolean,
): Promise<Foreseen[]> {
  return laned(gateways, async (each): Promise<Foreseen> => {
    const { gateway } = each;
    const told = await recordOf(client, gateway);
    const ends = anew && isStale(each, told);
    const why = ends ? undefined : onRecord(each, told);
    if (why !== undefined) return { gateway, would: 'leave', reason: why };
    const { mark, place, spec } = each.life;
    const where = place.engine === undefined ? 'wherever it is found' : `on engine ${place.engine}`;
    const instead = ends ? ', in place of its record' : '';
    const kept = each.stateKeptUntil === undefined ? '' : `, removed and its state kept until ${each.stateKeptUntil}`;
    return {
      gateway,
      would: 'take up',
      reason: `birth ${mark.birth}, release ${spec.release}, ${where}${kept}${instead}`,
    };
  });
}

/**
 * Takes every gateway of an export up that has no record: the life of exactly that birth, on its engine, with the token
 * that is in force. A gateway with a record is left alone, so the same export again goes on where it was interrupted; `anew`,
 * in a namespace that was restored to an earlier hour, a record of that birth that rests is ended first. `tell` hears of
 * each as it ends.
 */
export async function recover(
  client: Client,
  { gateways, ...recovering }: Recovering,
  tell: (recovery: Recovery) => void,
): Promise<Recovery[]> {
  const recoveries = await laned(gateways, async (each) => {
    const recovery = await recoverOne(client, recovering, each);
    tell(recovery);
    return recovery;
  });
  await recount(client); // Of a restored namespace, it is what was promised at an earlier hour.
  return recoveries;
}

type Recovering = {
  /** When the export was begun: it names the requests, so that they stay the same. */
  readonly at: string;
  readonly gateways: readonly ExportedGateway[];
  /** The releases to which a gateway may have been upgraded since. */
  readonly versions: readonly string[];
  readonly origin: string;
  readonly anew: boolean;
};

async function recoverOne(
  client: Client,
  { at, versions, origin, anew }: Omit<Recovering, 'gateways'>,
  exported: ExportedGateway,
): Promise<Recovery> {
  const { gateway, life } = exported;
  const told = await recordOf(client, gateway);
  const ends = anew && isStale(exported, told);
  const there = ends ? undefined : onRecord(exported, told);
  if (anew && there !== undefined && told?.life?.mark.birth === life.mark.birth)
    return { gateway, end: 'left out', reason: 'an operation of it runs or waits: ask again when that has ended' };
  if (there !== undefined) return { gateway, end: 'on record', reason: there };
  if (ends) await endRecord(client, gateway);
  const asked = {
    kind: 'provision',
    origin,
    place: life.place,
    birth: life.mark.birth,
    how: 'take up',
    recovered: recoveredOf(exported),
  } as const;
  const requestId = `recover-${at}-${gateway}`;
  const first = await takeUp(client, gateway, { ...asked, requestId, spec: life.spec });
  const release = versions.find((each) => isOf(first.reason, each));
  if (
    ['ready', 'removed', ...suspendedPhases].includes(first.phase) ||
    release === undefined ||
    release === life.spec.release
  )
    return recoveryOf(exported, first);
  const spec = { ...life.spec, release };
  return recoveryOf(exported, await takeUp(client, gateway, { ...asked, requestId: `${requestId}-${release}`, spec }));
}

/** Whether a take-up was refused because the gateway is of this release: it was upgraded since the export. */
function isOf(reason: string, release: string): boolean {
  return [belongsTo, runsRelease].some((words) => reason.includes(words(release)));
}

/** What comes after the take-up of a gateway that was suspended. */
const suspendedPhases: readonly string[] = ['suspending', 'suspended'];

type Taken = Pick<Description, 'phase' | 'reason'>;

function recoveryOf({ gateway, stateKeptUntil, suspended }: ExportedGateway, { phase, reason }: Taken): Recovery {
  if (phase === 'ready' && suspended)
    return { gateway, end: 'failed', reason: `it was suspended, and serves: \`creel suspend ${gateway}\`` };
  if (phase === 'ready') return { gateway, end: 'recovered', reason: stateKeptUntil === undefined ? '' : 'it lives' };
  if (suspendedPhases.includes(phase)) return { gateway, end: 'recovered', reason: 'it stays suspended' };
  if (phase === 'removed' && stateKeptUntil !== undefined)
    return { gateway, end: 'recovered', reason: `removed, ${reason}: \`creel provision ${gateway} --restore\`` };
  return { gateway, end: 'failed', reason: `${phase}: ${reason}` };
}

/** Asks for the take-up and waits for its end, and for that of the suspension that follows it where there was one. */
async function takeUp(client: Client, gateway: string, asked: ProvisionRequest): Promise<Taken> {
  try {
    const { operation } = await request(client, gateway, asked);
    for (;;) {
      const told = await recordOf(client, gateway);
      if (!told) return { phase: 'none', reason: 'nothing of it was found' };
      const open = [...(told.running ? [told.running] : []), ...told.queue];
      const isOpen = open.some((each) => each.operation === operation || each.kind === 'suspend');
      if (!isOpen || told.park) return told;
      await sleep(paceMs);
    }
  } catch (error) {
    if (!(error instanceof TurnedDown)) throw error;
    return { phase: 'none', reason: error.message };
  }
}

/** Whether an export may take the place of what is on record: it is of the same life, and nothing runs or waits there. */
function isStale({ life }: ExportedGateway, told: Description | undefined): boolean {
  if (!told?.life || told.life.mark.birth !== life.mark.birth) return false;
  return told.running === undefined && told.queue.length === 0;
}

async function endRecord(client: Client, gateway: string): Promise<void> {
  try {
    await client.workflow.getHandle(gatewayWorkflowId(gateway)).terminate('taken up anew from an export');
  } catch (error) {
    if (!isNotFound(error)) throw unwrap(error);
  }
}

/** What is on record of a gateway already; undefined when nothing is. */
function onRecord({ life }: ExportedGateway, told: Description | undefined): string | undefined {
  if (!told?.life || told.phase === 'none') return undefined;
  const { birth } = told.life.mark;
  if (birth !== life.mark.birth) return `it lives with birth ${birth}, and the export has birth ${life.mark.birth}`;
  return told.phase === 'adopting' || told.phase === 'queued' ? undefined : `it is ${told.phase}`;
}

/** The record of a gateway; undefined when there is none, or it has ended. A busy worker is waited for. */
async function recordOf(client: Client, gateway: string): Promise<Description | undefined> {
  for (let time = 1; ; time += 1) {
    try {
      return await ask(client, gateway);
    } catch (error) {
      if (error instanceof UnknownGateway) return undefined;
      if (!(error instanceof NoWorker) || time === 3) throw error;
    }
  }
}

/** The same of each, some at a time, in their order. */
async function laned<T, R>(all: readonly T[], act: (each: T) => Promise<R>): Promise<R[]> {
  const ends: R[] = [];
  const waiting = [...all.entries()];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) ends[next[0]] = await act(next[1]);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return ends;
}
