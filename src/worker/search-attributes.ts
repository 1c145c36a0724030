import { randomBytes } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { SearchAttributeType } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { temporal } from '@temporalio/proto';
import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { Refused } from '../domain/errors.js';
import { searchAttributeKeys } from '../wire/search-attributes.js';

/** Numbers of the API, which its package exports to CommonJS alone. */
const upsertSearchAttributes: temporal.api.enums.v1.CommandType.COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES = 13;
const completeWorkflow: temporal.api.enums.v1.CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION = 4;
const keyword: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD = 2;
const int: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT = 3;
const bool: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_BOOL = 5;
const datetime: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_DATETIME = 6;

/** How often a server is asked whether the attributes can be used yet. */
const paceMs = 500;

/** How often it is logged again that they cannot. */
const repeatMs = 60_000;

type Kind = { readonly word: string; readonly number: number; readonly sample: unknown };

/** The kinds in use: as the `temporal` program names them, as the API numbers them, and a value of each to try. */
const kinds: Partial<Record<SearchAttributeType, Kind>> = {
  [SearchAttributeType.KEYWORD]: { word: 'Keyword', number: keyword, sample: 'creel' },
  [SearchAttributeType.INT]: { word: 'Int', number: int, sample: 1 },
  [SearchAttributeType.BOOL]: { word: 'Bool', number: bool, sample: false },
  [SearchAttributeType.DATETIME]: {
    word: 'Datetime',
    number: datetime,
    sample: '2026-01-01T00:00:00.000Z',
  },
};

const wanted = searchAttributeKeys.map(({ name, type }) => {
  const kind = kinds[type];
  if (!kind) throw new Error(`search attribute ${name} is of a kind that creel does not use: ${type}`);
  return { name, kind };
});

/** The attributes as flags of `temporal server start-dev`, which then has them from its first moment. */
export const searchAttributeFlags: readonly string[] = wanted.flatMap(({ name, kind }) => [
  '--search-attribute',
  `${name}=${kind.word}`,
]);

/**
 * Registers the search attributes that the namespace lacks, and resolves when a workflow can use all of them: before
 * that, an upsert would fail workflow tasks. Where the server does not allow it (Temporal Cloud), it logs once a minute
 * which ones are missing and the commands for a person to run, and keeps asking. An attribute of another type is
 * `Refused`.
 */
export async function ensureSearchAttributes(
  connection: NativeConnection,
  namespace: string,
  log: Logger,
  signal: AbortSignal,
  address: string,
): Promise<void> {
  await register(connection, namespace, log);
  let saidAt = 0;
  for (;;) {
    const reason = await tryUpsert(connection, namespace);
    if (reason === undefined) return;
    if (performance.now() - saidAt > repeatMs || saidAt === 0) {
      log.warn(
        { namespace, reason, commands: await commands(connection, namespace, address) },
        'search attributes cannot be used yet',
      );
      saidAt = performance.now();
    }
    await after(paceMs, undefined, { signal });
  }
}

/** The attributes that the namespace lacks; undefined where the server does not tell. */
async function findMissing(connection: NativeConnection, namespace: string): Promise<typeof wanted | undefined> {
  const listed = await unlessForbidden(() => connection.operatorService.listSearchAttributes({ namespace }));
  if (!listed) return undefined;
  const found = new Map(Object.entries(listed.customAttributes));
  for (const { name, kind } of wanted) {
    const type = found.get(name);
    if (type !== undefined && type !== kind.number) {
      throw new Refused(
        `search attribute ${name} of namespace ${namespace} has another type than ${kind.word}: somebody else uses the name. Use another namespace`,
      );
    }
  }
  return wanted.filter(({ name }) => !found.has(name));
}

async function register(connection: NativeConnection, namespace: string, log: Logger): Promise<void> {
  const missing = await findMissing(connection, namespace);
  if (!missing || missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(({ name, kind }) => [name, kind.number]));
  const names = missing.map(({ name }) => name);
  try {
    const done = await unlessForbidden(() =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
    if (done) log.info({ namespace, names }, 'search attributes registered');
  } catch (error) {
    if (grpcCode(error) === alreadyExists) return; // Another worker was quicker.
    throw error;
  }
}

/** What a person has to run where creel may not register. */
async function commands(connection: NativeConnection, namespace: string, address: string): Promise<string[]> {
  const missing = (await findMissing(connection, namespace)) ?? wanted;
  return missing.flatMap(({ name, kind }) => [
    `temporal operator search-attribute create --address ${address} --namespace ${namespace} --name ${name} --type ${kind.word}`,
    `tcld namespace search-attributes add --namespace ${namespace} --search-attribute ${name}=${kind.word}`,
  ]);
}

/**
 * Runs one workflow task by hand that upserts every attribute, and asks visibility for one: the same path through
 * frontend, history and visibility that every gateway takes. Undefined when all of it worked, otherwise what the server
 * said. The run is deleted, and the server forgets it after half a minute.
 */
async function tryUpsert(connection: NativeConnection, namespace: string): Promise<string | undefined> {
  const { workflowService } = connection;
  const workflowId = `creel-probe/${randomBytes(6).toString('hex')}`;
  const searchAttributes = {
    indexedFields: Object.fromEntries(wanted.map(({ name, kind }) => [name, payload(kind)])),
  };
  try {
    await workflowService.startWorkflowExecution({
      namespace,
      workflowId,
      requestId: workflowId,
      workflowType: { name: 'probeSearchAttributes' },
      taskQueue: { name: workflowId },
      workflowExecutionTimeout: msToTs('30 seconds'),
      searchAttributes,
    });
  } catch (error) {
    return refusedArgument(error);
  }
  try {
    const task = await workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: workflowId } });
    await workflowService.respondWorkflowTaskCompleted({
      namespace,
      taskToken: task.taskToken,
      commands: [
        {
          commandType: upsertSearchAttributes,
          upsertWorkflowSearchAttributesCommandAttributes: { searchAttributes },
        },
        {
          commandType: completeWorkflow,
          completeWorkflowExecutionCommandAttributes: {},
        },
      ],
    });
    const query = wanted.map(({ name }) => `${name} IS NOT NULL`).join(' AND ');
    await workflowService.countWorkflowExecutions({ namespace, query });
    return undefined;
  } catch (error) {
    return refusedArgument(error);
  } finally {
    await workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  }
}

function payload({ word, sample }: Kind): temporal.api.common.v1.IPayload {
  return {
    metadata: { encoding: Buffer.from('json/plain'), type: Buffer.from(word) },
    data: Buffer.from(JSON.stringify(sample)),
  };
}

const invalidArgument = 3;
const alreadyExists = 6;
const permissionDenied = 7;
const unimplemented = 12;
const unauthenticated = 16;

function refusedArgument(error: unknown): string {
  if (error instanceof Error && grpcCode(error) === invalidArgument) return error.message;
  throw error;
}

async function unlessForbidden<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if ([permissionDenied, unimplemented, unauthenticated].includes(grpcCode(error) ?? 0)) return undefined;
    throw error;
  }
}

function grpcCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
