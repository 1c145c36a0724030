import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { z } from 'zod';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { Placing } from '../domain/hosts/ledger.js';
import type { FenceWord } from '../domain/hosts/fence-trial.js';
import { isMachine } from '../domain/hosts/place.js';
import { slowAnswerMs } from '../domain/thresholds.js';
import { engineQueue, ledgerWorkflowId, taskQueue, waitsQueue } from '../wire/ids.js';
import {
  cordonedMemo,
  cordonUpdate,
  fenceSignal,
  hostsQuery,
  hostsUpdate,
  placeUpdate,
  recountSignal,
  roomQuery,
  type HostLine,
  type LedgerStart,
  type Placed,
} from '../wire/ledger.js';
import { defaultLimits } from '../wire/limits.js';
import { knownEngines } from './deployment/engines.js';
import { isNotFound, NoWorker, TurnedDown, unwrap } from './failure.js';
import { seeThese } from './fleet.js';
import { answerMs, list } from './gateways.js';
import { patiently } from './patience.js';
import { pollersOf } from './pollers.js';

/** Asks the ledger for a place, and begins the ledger on this task queue where there is none yet. */
export async function askForPlace(client: Client, updateId: string, placing: Placing, queue: string): Promise<Placed> {
  return client.withDeadline(Date.now() + slowAnswerMs, () =>
    client.workflow.executeUpdateWithStart(placeUpdate, {
      args: [placing],
      updateId,
      startWorkflowOperation: beginning(queue),
    }),
  );
}

/** A host as people see it: by the ledger, and who serves it now. */
export type ShownHost = {
  readonly name: string;
  readonly engine: string;
  /** The ids that its engine had before; absent where it had none. */
  readonly was?: readonly string[];
  /** The workers that serve it now. */
  readonly workers: readonly string[];
  /** As the ledger has it; undefined while what it has could not be read. */
  readonly line: HostLine | undefined;
};

/** Every host on which a worker ever served an engine, with what the ledger says of it. `NoWorker` without one to ask. */
export async function listHosts(client: Client): Promise<ShownHost[]> {
  const known = await knownEngines(client);
  const lines = await asked(client, (updateId) =>
    client.workflow.executeUpdateWithStart(hostsUpdate, { updateId, startWorkflowOperation: beginning() }),
  );
  const shown = known.map(async ({ engine, host, was }) => {
    const pollers = await pollersOf(client, waitsQueue(engineQueue(engine)), 'activity');
    const line = lines.find((each) => each.engine === engine);
    return { name: host, engine, ...(was && { was }), workers: pollers.map(({ identity }) => identity), line };
  });
  return (await Promise.all(shown)).toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** The same of one host, by its name or the id of its engine; `TurnedDown` naming those there are. */
export async function findHost(client: Client, name: string): Promise<ShownHost> {
  const hosts = await listHosts(client);
  const found = hosts.find((each) => each.engine === name) ?? only(hosts, name);
  if (found) return found;
  const names = hosts.map((each) => each.name).join(', ') || 'none';
  throw new TurnedDown(
    `no worker ever served a host ${name}. Those there are: ${names}. Name it in the hosts.toml of a worker first; see docs/runbook.md#host-not-on-record`,
    'Refused',
  );
}

function only(hosts: readonly ShownHost[], name: string): ShownHost | undefined {
  const [found, another] = hosts.filter((each) => each.name === name);
  if (found && another)
    throw new TurnedDown(
      `host ${name} has more than one engine: ${found.engine}, ${another.engine}. Name the engine that is meant`,
      'Refused',
    );
  return found;
}

/** Who keeps a host: the gateways that stand there, and those that were removed and whose state is kept there, by their ids. */
export type OnHost = { readonly gateways: readonly string[]; readonly kept: readonly string[] };

/** Those of a host, whose records may name its engine by an id of before. A removed one that does not say counts as kept. */
export async function gatewaysOn(client: Client, { engine, was = [] }: ShownHost): Promise<OnHost> {
  const gateways = new Set<string>();
  const removed = new Set<string>();
  for (const id of [engine, ...was])
    for await (const { gateway, phase } of list(client, `GatewayHost = '${id}'`))
      (phase === 'removed' ? removed : gateways).add(gateway);
  const seen = await seeThese(client, [...removed]);
  const kept = [...seen].flatMap(([id, each]) => (each === 'silent' || each?.stateKeptUntil ? [id] : []));
  return { gateways: [...gateways].toSorted(), kept: kept.toSorted() };
}

/** Keeps new gateways off a host, or lets them on again. Repeating it changes nothing. */
export async function cordonHost(client: Client, host: ShownHost, cordoned: boolean): Promise<HostLine> {
  const { engine } = host;
  return asked(client, (updateId) =>
    client.workflow.executeUpdateWithStart(cordonUpdate, {
      updateId,
      args: [{ engine, cordoned }],
      startWorkflowOperation: beginning(),
    }),
  );
}

/** Whether an operator keeps new gateways off an engine; undefined where there is no ledger. Waits for no answer of it: one that is stuck holds up nobody whose only engine this is. */
export async function isCordoned(client: Client, engine: string): Promise<boolean | undefined> {
  try {
    const { status, memo } = await client.workflow.getHandle(ledgerWorkflowId).describe();
    if (status.name !== 'RUNNING') return undefined;
    return cordonedForm.parse(memo?.[cordonedMemo]).includes(engine);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const cordonedForm = z.array(z.string()).default([]);

/** Why there is no room for a gateway now, by the ledger; undefined where there is, where nobody keeps a ledger, or where a provision asks none. Nothing is promised. */
export async function whyNoRoom(client: Client, { mark, place, spec }: Gateway): Promise<string | undefined> {
  if (isMachine(place)) return undefined;
  const known = await knownEngines(client);
  const stands = place.promised === true;
  const isAsked = stands || known.length > 1 || (await isCordoned(client, known[0]?.engine ?? '')) === true;
  if (!isAsked) return undefined;
  const isMeant = ({ engine, was = [] }: (typeof known)[number]) =>
    place.engine === undefined || engine === place.engine || was.includes(place.engine);
  const meant = known.filter(isMeant);
  const named = (attends: boolean) => meant.filter(({ attended }) => attended === attends).map(({ engine }) => engine);
  const { memoryMb, cpus, diskMb = 0 } = spec;
  const whose = { gateway: mark.gateway, birth: mark.birth, need: { memoryMb, cpus, diskMb } };
  const engines = stands ? meant.map(({ engine }) => engine) : named(true);
  const fenced = !stands && spec.fence !== 'off';
  const also = { ...(stands && { stands }), ...(fenced && { fenced: true as const }) };
  const placing = { ...whose, engines, silent: stands ? [] : named(false), ...also };
  try {
    const handle = client.workflow.getHandle(ledgerWorkflowId);
    if ((await handle.describe()).status.name !== 'RUNNING') return undefined;
    const placed = await patiently(client, () => handle.query(roomQuery, placing), {
      withinMs: answerMs,
      meanwhile: 'start one with `creel worker`',
    });
    return 'refused' in placed ? placed.refused : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error instanceof NoWorker ? error : unwrap(error);
  }
}

/** How many gateways all Docker hosts have together, as the ledger has it now; undefined where there is none. */
export async function countGateways(client: Client): Promise<number | undefined> {
  try {
    const handle = client.workflow.getHandle(ledgerWorkflowId);
    if ((await handle.describe()).status.name !== 'RUNNING') return undefined;
    const lines = await patiently(client, () => handle.query(hostsQuery), {
      withinMs: answerMs,
      meanwhile: 'start one with `creel worker`',
    });
    return lines.reduce((sum, { gateways }) => sum + gateways, 0);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error instanceof NoWorker ? error : unwrap(error);
  }
}

/** Has the ledger count anew, where there is one: after records were taken up again. */
export async function recount(client: Client): Promise<void> {
  try {
    await client.workflow.getHandle(ledgerWorkflowId).signal(recountSignal);
  } catch (error) {
    if (!isNotFound(error)) throw unwrap(error);
  }
}

/** Tells the ledger how the fence of an engine was found, where there is one: a new one asks the workers. */
export async function tellFence(client: Client, engine: string, fence: FenceWord): Promise<void> {
  try {
    await client.workflow.getHandle(ledgerWorkflowId).signal(fenceSignal, { engine, fence });
  } catch (error) {
    if (!isNotFound(error)) throw unwrap(error);
  }
}

/** One question, however often it has to be asked until the ledger answers. */
async function asked<T>(client: Client, call: (updateId: string) => Promise<T>): Promise<T> {
  const updateId = randomUUID();
  try {
    return await patiently(client, () => call(updateId), {
      withinMs: answerMs,
      meanwhile: 'start one with `creel worker`',
    });
  } catch (error) {
    throw error instanceof NoWorker ? error : unwrap(error);
  }
}

function beginning(queue = taskQueue) {
  const start: LedgerStart = { layout: 1, limits: defaultLimits };
  return new WithStartWorkflowOperation('ledger', {
    workflowId: ledgerWorkflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: queue,
    args: [start],
    staticSummary: 'which host has room',
  });
}
