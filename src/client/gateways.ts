import { createHash } from 'node:crypto';
import { WithStartWorkflowOperation, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { TypedSearchAttributes, type SearchAttributePair } from '@temporalio/common';
import { keysOf, nameOfNewest } from '../domain/keys/deployment-keys.js';
import { birthFrom, gatewayPlace } from '../domain/gateway/gateway.js';
import { isMachine, type Place } from '../domain/hosts/place.js';
import { machineIn } from '../domain/hosts/region.js';
import type { ChangeRequest } from '../wire/change-requests.js';
import { slowAnswerMs, slowWorkerMs } from '../domain/thresholds.js';
import { gatewayWorkflowId, operationPrefix, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import { describeQuery, replyUpdate, requestUpdate, standingQuery, withdrawUpdate } from '../wire/messages.js';
import type { Accepted, GatewayStart, ProvisionRequest, Request, Withdrawal } from '../wire/requests.js';
import type { Description, Standing } from '../wire/description.js';
import type { Reply } from '../wire/park.js';
import {
  gatewayBirthKey,
  gatewayHostKey,
  gatewayIdKey,
  gatewayPhaseKey,
  gatewayReleaseKey,
  needsAttentionKey,
  operationKindKey,
  phaseSinceKey,
} from '../wire/search-attributes.js';
import { updateIdOf } from './update-id.js';
import { readHeld } from './deployment/deployment.js';
import { findDeployment } from './deployment/hold-deployment.js';
import { isNotFound, NoWorker, UnknownGateway, unwrap } from './failure.js';
import { readOperationId } from './follow/frame.js';
import { fleetMemoForm } from './follow/payloads.js';
import { patiently } from './patience.js';

const nobodySays =
  'a gateway goes on without one, and nobody can say how it is meanwhile. Start one with `creel worker`';

/** What it means that a request had no answer: the server may hold it for the next worker. */
function unanswered({ requestId }: Pick<Request, 'requestId'>): string {
  return `the request ${requestId} was not answered, and may still be carried out once a worker runs. Start one, and ask again with --request-id ${requestId}: it stays one request`;
}

/** How long a worker may take to answer a question before it counts as absent. */
export const answerMs = 5_000;

/**
 * The same for a request, which begins something: patience with a busy worker is worth more than noticing an absent one
 * early.
 */
const acceptMs = 10_000;

/** The place of a gateway for which nobody names an engine. */
export const localPlace: Place = { provider: 'local', host: 'local' };

/** The place of exactly this engine, or `Refused`. */
export function placeOn(engine: string): Place {
  return gatewayPlace({ ...localPlace, engine });
}

/** What visibility says of a gateway: recorded, not proved. */
export type Listed = {
  readonly gateway: string;
  readonly birth: string;
  readonly phase: string;
  /** Since when it is in that phase. */
  readonly since: string;
  /** When it was last proved usable; absent in what an older creel wrote. */
  readonly proved?: string;
  readonly release: string;
  /** The machine: of its own by its name, else by the one that the worker beside its engine gives itself. */
  readonly host: string;
  /** Of a machine of its own: where that is bought. */
  readonly region?: string;
  /** The engine that it stands on; absent until its first operation has found it. */
  readonly engine?: string;
  readonly operation: string;
  readonly needsAttention: boolean;
  /** A rotated token that waits to be fetched, in words; absent when none does. */
  readonly handOver?: string;
  /** Set when its record was ended from outside: the rest is what it said last. */
  readonly lost?: Lost;
};

/** How and when a record was ended from outside: what its gateway owns is still there, and nobody acts for it. */
export type Lost = { readonly how: string; readonly at: string };

/** The gateway's own answer or, without a worker, what the server has on record. */
export type Described =
  | { readonly by: 'gateway'; readonly description: Description; readonly lost?: Lost }
  | { readonly by: 'record'; readonly listed: Listed; readonly why: string };

/**
 * Asks for an operation, beginning the gateway if there is none. Repeated with the same request id it stays one
 * request. `TurnedDown` in the gateway's own words; `NoWorker` when nobody answered in time.
 */
export async function request(
  client: Client,
  gateway: string,
  wish: Request,
  limits = defaultLimits,
): Promise<Accepted> {
  const [held, firstOperation] = await Promise.all([readHeld(client), nextOperation(client, gateway)]);
  const { deployment } = held;
  const asked = wish.kind === 'provision' ? { ...wish, ...nameOfNewest(keysOf(held)) } : wish;
  const start: GatewayStart = { layout: 1, deployment, gateway, limits, request: asked, firstOperation };
  const starting = () =>
    new WithStartWorkflowOperation('gateway', {
      workflowId: gatewayWorkflowId(gateway),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue,
      args: [start],
      typedSearchAttributes: new TypedSearchAttributes(startAttributes(gateway, asked)),
      staticSummary: `OpenClaw gateway ${gateway}`,
    });
  return asking(
    client,
    () =>
      client.workflow.executeUpdateWithStart(requestUpdate, {
        args: [asked],
        updateId: updateIdOf(asked),
        startWorkflowOperation: starting(), // Each is good for one attempt.
      }),
    {
      withinMs: acceptMs,
      meanwhile: unanswered(asked),
    },
  );
}

/**
 * Asks for a change or a repair of a gateway that has a record. Repeated with the same request id it stays one request.
 * `UnknownGateway`, `TurnedDown`, `NoWorker`.
 */
export async function requestChange(
  client: Client,
  gateway: string,
  asked: ChangeRequest | ProvisionRequest,
): Promise<Accepted> {
  const handle = client.workflow.getHandle(gatewayWorkflowId(gateway));
  return asking(client, () => handle.executeUpdate(requestUpdate, { args: [asked], updateId: updateIdOf(asked) }), {
    withinMs: acceptMs,
    meanwhile: unanswered(asked),
    gateway,
  });
}

/** How a request stands, as the gateway reports; undefined when the gateway does not know it. */
export async function standing(client: Client, gateway: string, requestId: string): Promise<Standing | undefined> {
  const handle = client.workflow.getHandle(gatewayWorkflowId(gateway));
  const meanwhile = nobodySays;
  return asking(client, () => handle.query(standingQuery, requestId), { withinMs: answerMs, meanwhile, gateway });
}

/** Withdraws a change that has not begun, and returns how the request stands now. */
export async function withdraw(client: Client, gateway: string, asked: Withdrawal): Promise<Standing | undefined> {
  const handle = client.workflow.getHandle(gatewayWorkflowId(gateway));
  return asking(client, () => handle.executeUpdate(withdrawUpdate, { args: [asked] }), {
    withinMs: acceptMs,
    meanwhile: 'the request was not withdrawn. Start a worker and ask again',
    gateway,
  });
}

/**
 * Gives a parked operation an operator's answer. `TurnedDown` when there is no such park, or it does not take this
 * answer.
 */
export async function reply(client: Client, gateway: string, word: Reply): Promise<void> {
  const handle = client.workflow.getHandle(gatewayWorkflowId(gateway));
  const updateId = `${word.park}-${word.answer}`;
  await asking(client, () => handle.executeUpdate(replyUpdate, { args: [word], updateId }), {
    withinMs: acceptMs,
    meanwhile: 'the answer was not delivered. Start a worker and give it again: the same answer twice is one',
    gateway,
  });
}

/**
 * The whole record of a gateway, as it reports it or, without a worker, as the server has it, saying so.
 * `UnknownGateway`.
 */
export async function describe(client: Client, gateway: string): Promise<Described> {
  try {
    const description = await ask(client, gateway);
    const lost = lostFrom(await client.workflow.getHandle(gatewayWorkflowId(gateway)).describe());
    return { by: 'gateway', description, ...(lost && { lost }) };
  } catch (error) {
    if (!(error instanceof NoWorker)) throw error;
    const handle = client.workflow.getHandle(gatewayWorkflowId(gateway));
    return { by: 'record', listed: listedFrom(await handle.describe(), await hostsOf(client)), why: error.message };
  }
}

/** The gateway's own answer, or `NoWorker`, or `UnknownGateway`. */
export async function ask(client: Client, gateway: string): Promise<Description> {
  const handle = client.workflow.getHandle(gatewayWorkflowId(gateway));
  return asking(client, () => handle.query(describeQuery), {
    withinMs: answerMs,
    meanwhile: nobodySays,
    gateway,
  });
}

/** Every gateway that has a record, as visibility has it, page by page, unordered. `query` narrows it. */
export async function* list(client: Client, query = ''): AsyncGenerator<Listed> {
  const all = `WorkflowType = 'gateway' AND ExecutionStatus = 'Running'`;
  try {
    const hosts = await hostsOf(client);
    for await (const info of client.workflow.list({
      query: query === '' ? all : `${all} AND ${query}`,
      pageSize: 1_000,
    })) {
      yield listedFrom(info, hosts);
    }
  } catch (error) {
    throw unwrap(error);
  }
}

/**
 * The gateways whose record was ended from outside while they lived and has not been taken up since; what they own is
 * still there. As visibility has it; the newest run of each decides.
 */
export async function* listLost(client: Client): AsyncGenerator<Listed> {
  const seen = new Set<string>();
  try {
    const hosts = await hostsOf(client);
    for await (const { workflowId } of client.workflow.list({ query: lostRuns, pageSize: 1_000 })) {
      if (seen.has(workflowId)) continue;
      seen.add(workflowId);
      const newest = await client.workflow.getHandle(workflowId).describe();
      const lost = lostFrom(newest);
      const row = listedFrom(newest, hosts);
      if (lost && !['removed', 'none'].includes(row.phase)) yield { ...row, needsAttention: true, lost };
    }
  } catch (error) {
    throw unwrap(error);
  }
}

const lostStatuses: readonly string[] = ['TERMINATED', 'FAILED', 'TIMED_OUT', 'CANCELLED'];
const lostRuns = `WorkflowType = 'gateway' AND ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut', 'Canceled')`;

function lostFrom({ status, closeTime }: Pick<WorkflowExecutionInfo, 'status' | 'closeTime'>): Lost | undefined {
  if (!lostStatuses.includes(status.name)) return undefined;
  return { how: status.name.toLowerCase().replace('_', ' '), at: (closeTime ?? new Date()).toISOString() };
}

/** The operations that are running, of one gateway or of all. */
export async function* listRunning(
  client: Client,
  gateway?: string,
): AsyncGenerator<{ gateway: string; kind: string; workflowId: string }> {
  const one = gateway === undefined ? '' : ` AND GatewayId = '${gateway}'`;
  const query = `WorkflowId STARTS_WITH 'gateway/' AND OperationKind IS NOT NULL AND ExecutionStatus = 'Running'${one}`;
  try {
    for await (const { workflowId } of client.workflow.list({ query, pageSize: 1_000 })) {
      yield { workflowId, ...readOperationId(workflowId) };
    }
  } catch (error) {
    throw unwrap(error);
  }
}

/** A number above that of every operation the gateway ever had, so that a new life uses no run's id again. */
export async function nextOperation(client: Client, gateway: string): Promise<number> {
  let highest = 0;
  try {
    if (await isOpen(client, gateway)) return 1; // Nothing begins: the open record counts on by itself.
    const query = `WorkflowId STARTS_WITH '${operationPrefix(gateway)}' AND OperationKind IS NOT NULL`;
    for await (const { workflowId } of client.workflow.list({ query })) {
      highest = Math.max(highest, readOperationId(workflowId).operation);
    }
  } catch (error) {
    throw unwrap(error);
  }
  return highest + 1;
}

async function isOpen(client: Client, gateway: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(gatewayWorkflowId(gateway)).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** The birth that a request proposes, derived from its id, so that a repeated request is identical. */
export function proposedBirth(gateway: string, requestId: string): string {
  return birthFrom(createHash('sha256').update(`${gateway}\0${requestId}`).digest());
}

type Asking = {
  readonly withinMs: number;
  /** What silence means for the caller, and what to do now. */
  readonly meanwhile: string;
  /** The gateway that must exist; absent when the call may begin it. */
  readonly gateway?: string;
};

/** Calls a workflow within a limit, and translates its failure. */
async function asking<T>(client: Client, call: () => Promise<T>, { withinMs, meanwhile, gateway }: Asking): Promise<T> {
  const limitMs = withinMs === answerMs ? slowAnswerMs : slowWorkerMs;
  try {
    return await patiently(client, call, { withinMs, meanwhile, limitMs });
  } catch (error) {
    if (error instanceof NoWorker) throw error;
    if (gateway !== undefined && isNotFound(error)) throw unknownGateway(gateway, error);
    throw unwrap(error);
  }
}

/** What is said of a gateway that has no record. */
export function unknownGateway(gateway: string, cause: unknown): UnknownGateway {
  return new UnknownGateway(
    `gateway ${gateway} is unknown here. \`creel list\` shows those there are; \`creel provision ${gateway} --release …\` begins one`,
    { cause },
  );
}

function startAttributes(gateway: string, asked: Request): SearchAttributePair[] {
  const birth = asked.birth === undefined ? [] : [{ key: gatewayBirthKey, value: asked.birth }];
  const release = asked.kind === 'provision' ? [{ key: gatewayReleaseKey, value: asked.spec.release }] : [];
  return [
    { key: gatewayIdKey, value: gateway },
    ...birth,
    ...release,
    { key: gatewayPhaseKey, value: 'queued' },
    { key: gatewayHostKey, value: localPlace.host },
    { key: needsAttentionKey, value: false },
  ];
}

type Recorded = Pick<WorkflowExecutionInfo, 'workflowId' | 'typedSearchAttributes' | 'startTime' | 'memo'>;

/** A place with its host by the name that people know it by, where a worker told one; a machine that was bought has its own. */
export async function placeNamed(client: Client, place: Place): Promise<Place> {
  if (isMachine(place) || place.engine === undefined) return place;
  const host = (await hostsOf(client)).get(place.engine);
  return host === undefined ? place : { ...place, host };
}

/** The machine of each engine, by the name that its worker gave itself. */
async function hostsOf(client: Client): Promise<ReadonlyMap<string, string>> {
  const found = await findDeployment(client).catch(() => undefined); // Without it, engines are shown by id.
  const engines = found?.deployment.engines ?? [];
  return new Map(engines.flatMap(({ engine, host, was = [] }) => [engine, ...was].map((id) => [id, host] as const)));
}

function listedFrom(info: Recorded, hosts: ReadonlyMap<string, string>): Listed {
  const attributes = info.typedSearchAttributes;
  const { handOver, proved } = info.memo ?? {};
  const phase = attributes.get(gatewayPhaseKey) ?? 'unknown';
  const stands = attributes.get(gatewayHostKey) ?? '';
  return {
    gateway: attributes.get(gatewayIdKey) ?? info.workflowId.replace(/^gateway\//, ''),
    birth: attributes.get(gatewayBirthKey) ?? '',
    phase,
    since: (attributes.get(phaseSinceKey) ?? info.startTime).toISOString(),
    ...(typeof proved === 'string' && { proved }),
    release: attributes.get(gatewayReleaseKey) ?? '',
    ...(machineListed(info.memo) ?? { host: hosts.get(stands) ?? stands.slice(0, 12) }),
    ...(stands !== '' && stands !== localPlace.host && { engine: stands }),
    operation: attributes.get(operationKindKey) ?? '',
    needsAttention: attributes.get(needsAttentionKey) ?? false,
    ...(typeof handOver === 'string' && phase !== 'removed' && { handOver }),
  };
}

/** The machine of its own on which a gateway stands, by its memo. */
function machineListed(memo: Recorded['memo']): Pick<Listed, 'host' | 'region'> | undefined {
  const { data } = fleetMemoForm.safeParse(memo?.['fleet']);
  const at = data && machineIn(data.place);
  return at?.host === undefined ? undefined : { host: at.host, region: at.region };
}
