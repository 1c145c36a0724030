import { Client, QueryRejectedError, WorkflowFailedError, type WorkflowExecutionInfo } from '@temporalio/client';
import { ApplicationFailure, TypedSearchAttributes, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  countsOf,
  type FleetInput,
  type FleetResult,
  type FleetStatus,
  fleetStatusQuery,
  type FleetOrder,
  fleetOrderUpdate,
} from '../wire/fleet.js';
import type { Fleet, FleetPlan, Seen, SeenLife } from '../domain/fleet/fleet.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import { canaryFirst, fleetOf } from '../domain/fleet/order.js';
import { fleetWorkflowId, gatewayWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import { gatewayPhaseKey, gatewayReleaseKey, needsAttentionKey, operationKindKey } from '../wire/search-attributes.js';
import { readNewestKey } from './deployment/deployment.js';
import { isNotFound, NoWorker, TurnedDown, UnknownGateway, unwrap } from './failure.js';
import { fleetMemoForm } from './follow/payloads.js';
import { patiently } from './patience.js';
import { answerMs, ask, list } from './gateways.js';

/** How many gateways are asked at the same time. */
const atOnce = 10;

/** How often a gateway is asked before it counts as silent: a busy worker may be late once. */
const timesAsked = 3;

/** Every gateway, as each reports, and which of them take part in a run of this name, in its order. */
export async function lookAtFleet(client: Client, run: string, toKey?: string): Promise<Fleet> {
  const seen = await seeFleet(client);
  return canaryFirst(fleetOf(run, seen, toKey), seen);
}

/** What every gateway says of itself. */
async function seeFleet(client: Client): Promise<Map<string, Seen>> {
  const ids: string[] = [];
  for await (const { gateway } of list(client)) ids.push(gateway);
  return seeThese(client, ids);
}

/**
 * The same as `lookAtFleet`, from the records: a few pages of a list, whatever the size of the fleet, but maybe seconds
 * old.
 */
export async function lookAtRecords(client: Client, run: string): Promise<Fleet> {
  const seen = await seeRecords(client);
  return canaryFirst(fleetOf(run, seen), seen);
}

/**
 * What is on record of every gateway, without asking it. Only one whose record says too little is asked: an older creel
 * wrote it, or it is being rewritten.
 */
export async function seeRecords(client: Client): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  const unsaid = new Set<string>();
  for await (const info of listRecords(client)) {
    const gateway = info.workflowId.slice(gatewayWorkflowId('').length);
    const told = info.status.name === 'RUNNING' ? seenOnRecord(info) : undefined;
    if (told) seen.set(gateway, told);
    else unsaid.add(gateway);
  }
  const left = [...unsaid].filter((gateway) => !seen.has(gateway));
  for (const [gateway, each] of await seeThese(openOnly(client), left)) if (each) seen.set(gateway, each);
  return seen;
}

/** A gateway as its search attributes and memo describe it; undefined when the memo says too little. */
function seenOnRecord({
  typedSearchAttributes,
  memo,
}: Pick<WorkflowExecutionInfo, 'typedSearchAttributes' | 'memo'>): Exclude<Seen, 'silent'> {
  const phase = typedSearchAttributes.get(gatewayPhaseKey);
  const { data } = fleetMemoForm.safeParse(memo?.['fleet']);
  if (!data || phase === undefined) return undefined;
  const { birth, removing = false, stateKeptUntil, place, keyId } = data;
  const release = typedSearchAttributes.get(gatewayReleaseKey) ?? '';
  const spec = { release, ...(data.rotation && { rotation: data.rotation }) };
  return {
    phase,
    life: { mark: { birth }, place, spec, ...(keyId !== undefined && { keyId }) },
    removing,
    stateKeptUntil,
  };
}

/** A client whose queries reach only gateways with an open run. */
export function openOnly({ connection, options: { namespace } }: Client): Client {
  return new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
}

/** What the given gateways say of themselves. */
export function seeThese(client: Client, ids: readonly string[]): Promise<Map<string, Seen>> {
  return seeEach(ids, (gateway) => see(client, gateway));
}

/**
 * The ids of all gateways that may have a record. One that continues as new during the listing is missing among those
 * that run, so those that have continued are listed as well.
 */
export async function* gatewayIds(client: Client): AsyncGenerator<string> {
  for await (const { workflowId } of listRecords(client)) yield workflowId.slice(gatewayWorkflowId('').length);
}

async function* listRecords(client: Client): AsyncGenerator<WorkflowExecutionInfo> {
  const query = `WorkflowType = 'gateway' AND (ExecutionStatus = 'Running' OR ExecutionStatus = 'ContinuedAsNew')`;
  try {
    yield* client.workflow.list({ query, pageSize: 1_000 });
  } catch (error) {
    throw unwrap(error);
  }
}

/**
 * What is learned of each of the given gateways by asking it. One that is late is asked again, unless none of them
 * answers: `NoWorker`.
 */
export async function seeEach<T>(
  ids: readonly string[],
  look: (gateway: string) => Promise<T | 'silent'>,
): Promise<Map<string, T | 'silent'>> {
  const seen = new Map<string, T | 'silent'>();
  for (let time = 0, left = [...ids]; time < timesAsked && left.length > 0; time += 1) {
    while (left.length > 0) {
      const asked = left.splice(0, atOnce).map(async (id) => [id, await look(id)] as const);
      for (const [id, each] of await Promise.all(asked)) seen.set(id, each);
    }
    left = ids.filter((id) => seen.get(id) === 'silent');
    if (left.length > 0 && left.length === ids.length)
      throw new NoWorker('none of the gateways answers. Start a worker with `creel worker`');
  }
  return seen;
}

/** Asks the gateway itself, because visibility lags. */
async function see(client: Client, gateway: string): Promise<Seen> {
  try {
    const { phase, life, running, queue, stateKeptUntil } = await ask(client, gateway);
    const removing = [...(running ? [running] : []), ...queue].some(
      ({ kind }) => kind === 'remove' || kind === 'purge',
    );
    return { phase, life: life && lifeSeen(life), removing, stateKeptUntil };
  } catch (error) {
    if (error instanceof UnknownGateway || error instanceof QueryRejectedError) return undefined;
    if (error instanceof NoWorker) return 'silent';
    throw error;
  }
}

/** Only what a run looks at: there may be ten thousand of them. */
function lifeSeen({ mark: { birth }, place, spec: { release, rotation }, keyId }: Gateway): SeenLife {
  const spec = { release, ...(rotation && { rotation }) };
  return { mark: { birth }, place, spec, ...(keyId !== undefined && { keyId }) };
}

/** Begins a run over the fleet; an existing run of the same name counts as this one. */
export async function startFleet(client: Client, run: string, plan: FleetPlan, origin: string): Promise<void> {
  await start(client, { layout: 1, run, origin, plan, limits: defaultLimits, ...(await readNewestKey(client)) });
}

/** The same for a run that moves every gateway to another master key. */
export async function startRekeying(
  client: Client,
  asked: Pick<FleetInput, 'run' | 'plan' | 'origin'> & { readonly keyId: string },
): Promise<void> {
  await start(client, { layout: 1, limits: defaultLimits, rekey: true, ...asked });
}

async function start(client: Client, input: FleetInput): Promise<void> {
  const { run, plan, keyId, rekey } = input;
  try {
    await client.workflow.start('rotateFleet', {
      workflowId: fleetWorkflowId(run),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      taskQueue,
      args: [input],
      staticSummary: `rotate the fleet${rekey ? ` to key ${keyId}` : ''}, ${plan.window} at once`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: operationKindKey, value: 'rotate-fleet' },
        { key: needsAttentionKey, value: false },
      ]),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw unwrap(error);
  }
}

/** A run over the fleet that is under way, as visibility has it. `attention`: it is paused, or stopping. */
export type FleetRun = { readonly run: string; readonly attention: boolean };

/** The runs over the fleet that are under way. */
export async function listRuns(client: Client): Promise<FleetRun[]> {
  const prefix = fleetWorkflowId('');
  const query = `WorkflowId STARTS_WITH '${prefix}' AND ExecutionStatus = 'Running'`;
  const runs: FleetRun[] = [];
  try {
    for await (const { workflowId, typedSearchAttributes } of client.workflow.list({ query })) {
      const attention = typedSearchAttributes.get(needsAttentionKey) ?? false;
      runs.push({ run: workflowId.slice(prefix.length), attention });
    }
  } catch (error) {
    throw unwrap(error);
  }
  return runs;
}

/** How a run over the fleet stands, as it reports; an ended one needs no worker for that. */
export async function fleetStatus(client: Client, run: string): Promise<FleetStatus> {
  const handle = client.workflow.getHandle(fleetWorkflowId(run));
  return asking(client, run, async () => {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') return statusOf(await resultOf(client, run));
    return handle.query(fleetStatusQuery);
  });
}

/** Gives a run over the fleet an operator's command. `TurnedDown` when it does not take it now. */
export async function tellFleet(client: Client, run: string, order: FleetOrder): Promise<void> {
  const handle = client.workflow.getHandle(fleetWorkflowId(run));
  await asking(client, run, () => handle.executeUpdate(fleetOrderUpdate, { args: [order] }));
}

/** Ends a run that answers nobody. What it has already asked for goes on in each gateway; no other gateway is asked. */
export async function endFleet(client: Client, run: string, reason: string): Promise<void> {
  await asking(client, run, () => client.workflow.getHandle(fleetWorkflowId(run)).terminate(reason));
}

async function resultOf(client: Client, run: string): Promise<FleetResult> {
  try {
    return await client.workflow.getHandle(fleetWorkflowId(run)).result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure && cause.details?.[0]) return cause.details[0] as FleetResult;
    return { outcome: 'aborted', reason: cause?.message ?? error.message, run, ends: [] };
  }
}

function statusOf(result: FleetResult): FleetStatus {
  const { run, reason, ends, change } = result;
  const counts = countsOf(result);
  const size = result.size ?? ends.filter(({ end }) => end !== 'left out').length;
  const changed = change === undefined ? {} : { change };
  return { run, phase: 'ended', reason, size, waiting: [], open: [], ends, counts, ...changed };
}

async function asking<T>(client: Client, run: string, call: () => Promise<T>): Promise<T> {
  try {
    const meanwhile = `the run over the fleet goes on when one runs. \`creel fleet abort ${run} --force\` ends it without`;
    return await patiently(client, call, { withinMs: answerMs, meanwhile });
  } catch (error) {
    if (error instanceof NoWorker) throw error;
    if (isNotFound(error))
      throw new TurnedDown(`no run over the fleet is called ${run}. Its name was said when it began`, 'Refused', {
        cause: error,
      });
    throw unwrap(error);
  }
}
