import { randomBytes } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { NamespaceNotFoundError, WorkflowNotFoundError } from '@temporalio/common';
import { z } from 'zod';
import { Refused } from '../../domain/errors.js';
import {
  currentKey,
  keysOf,
  newestKey,
  type DeploymentKey,
  type DeploymentKeys,
} from '../../domain/keys/deployment-keys.js';
import { layout } from '../../domain/gateway/gateway.js';
import type { ExportHead } from '../../domain/recovery/exported.js';
import type { Release } from '../../domain/release/release.js';
import { keyCheck, type MasterKey } from '../../domain/keys/token.js';
import { deploymentWorkflowId, taskQueue } from '../../wire/ids.js';

/** What a namespace says of its deployment. Nothing in it is secret. */
export type Deployment = z.infer<typeof memoForm>;

/** Every field of a release on record: one that is missing here would be read by nobody. */
const releaseForm = {
  version: z.string(),
  image: z.string(),
  dev: z.boolean(),
  readyMs: z.number().int().positive().optional(),
  firstReadyMs: z.number().int().positive().optional(),
  reloadsToken: z.boolean().optional(),
} satisfies Record<keyof Release, z.ZodType>;

const memoForm = z.object({
  deployment: z.string().regex(/^[a-z]{10}$/),
  layout: z.number().int().positive(),
  keyId: z.string(),
  keyCheck: z.string(),
  keys: z
    .array(
      z.object({
        id: z.string(),
        check: z.string(),
        state: z.enum(['current', 'next', 'retired']),
        runs: z.number().int().positive().optional(),
      }),
    )
    .optional(),
  engines: z.array(z.object({ engine: z.string(), host: z.string(), was: z.array(z.string()).optional() })).optional(),
  releases: z.array(z.object(releaseForm)).optional(),
  epoch: z.object({ number: z.number().int().positive(), id: z.string(), from: z.string().optional() }).optional(),
});

/** The keys of the deployment that the namespace belongs to; undefined when it has none. */
export async function findKeys(client: Client): Promise<DeploymentKeys | undefined> {
  const found = await findDeployment(client);
  return found && keysOf(found.deployment);
}

/** A deployment as found, and whether its workflow still runs. */
export type Found = { readonly deployment: Deployment; readonly open: boolean };

/**
 * The deployment that the namespace belongs to, or `Refused`: there is none (naming `creel init`), one of its keys is
 * not here, or a newer creel laid it out.
 */
export async function holdDeployment(client: Client, keys: readonly MasterKey[]): Promise<Deployment> {
  const found = await findDeployment(client);
  const { namespace } = client.options;
  if (!found) {
    throw new Refused(
      `namespace ${namespace} belongs to no deployment yet. Run \`creel init\` once, where the worker's key lies. If there was one here before, stop: this may be the wrong server or an empty one`,
    );
  }
  checkDeployment(client, found.deployment, keys);
  if (!found.open) {
    throw new Refused(
      `somebody ended the workflow "${deploymentWorkflowId}" of namespace ${namespace}. \`creel init\` begins it again with the same id (${found.deployment.deployment})`,
    );
  }
  return found.deployment;
}

/**
 * Gives the namespace a deployment under the newest of these keys. An existing one whose keys are here stays as it is,
 * and is begun again under its own id if somebody ended it; any other is `Refused`. With the head of an export, it is
 * that deployment, with its keys, engines and releases, or the one that is here already, taken over: in an epoch above
 * every one that is known, so that engines refuse the masters before it.
 */
export async function startDeployment(
  client: Client,
  keys: readonly MasterKey[],
  from?: ExportHead,
): Promise<Deployment> {
  const found = await findDeployment(client);
  if (found && from) demandSame(client, found.deployment, from);
  if (found) checkDeployment(client, found.deployment, keys);
  const raises = from !== undefined && found?.deployment.epoch?.from !== from.at;
  if (found?.open && !raises) return found.deployment;
  const memo = memoOf(client, keys, found?.deployment, raises ? from : undefined);
  try {
    await client.workflow.start('deployment', {
      workflowId: deploymentWorkflowId,
      taskQueue,
      memo,
      staticSummary: `deployment ${memo.deployment}, key ${memo.keyId}`,
      workflowIdConflictPolicy: found?.open ? 'TERMINATE_EXISTING' : 'FAIL',
    });
    return memo;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return await holdDeployment(client, keys);
  }
}

function checkDeployment(client: Client, found: Deployment, keys: readonly MasterKey[]): void {
  const { namespace } = client.options;
  if (found.layout > layout) {
    throw new Refused(
      `namespace ${namespace} was laid out by a newer creel (layout ${found.layout}, this one knows ${layout}): run that version or a later one`,
    );
  }
  const isHere = ({ check }: DeploymentKey) => keys.some((key) => keyCheck(key, found.deployment) === check);
  const all = keysOf(found);
  const [current, newest] = [currentKey(all), newestKey(all)];
  const here = keys.map(({ id }) => id).join(' and ');
  if (!isHere(current)) {
    throw new Refused(
      `namespace ${namespace} belongs to deployment ${found.deployment} of the master key ${current.id}, and the key here is ${here}. Every token is derived from the key: use the file of ${current.id}, or another namespace`,
    );
  }
  if (!isHere(newest)) {
    throw new Refused(
      `the master key of namespace ${namespace} is being changed from ${current.id} to ${newest.id}, and here is only ${here}. Copy the file of ${newest.id} here, as master.key.next beside the key; see docs/runbook.md#key-rotation`,
    );
  }
}

/** What the namespace says of its deployment from now on; taken over with the head of an export. */
function memoOf(
  client: Client,
  keys: readonly MasterKey[],
  found: Deployment | undefined,
  from: ExportHead | undefined,
): Deployment {
  if (!from) return found ?? mint(keys);
  const number = Math.max(from.epoch?.number ?? 1, found?.epoch?.number ?? 1) + 1;
  const epoch = { number, id: letters(), from: from.at };
  return { ...(found ?? takenOver(client, from, keys)), epoch };
}

/** A namespace that belongs to another deployment is not taken over. */
function demandSame(client: Client, found: Deployment, { deployment }: ExportHead): void {
  if (found.deployment === deployment) return;
  throw new Refused(
    `namespace ${client.options.namespace} belongs to deployment ${found.deployment}, and the export is of ${deployment}. Use another namespace`,
  );
}

/** The deployment of an export, in a namespace that has none, or `Refused`: one of its keys is not here. */
function takenOver(client: Client, from: ExportHead, keys: readonly MasterKey[]): Deployment {
  const { id, check } = currentKey(from.keys);
  const { deployment, layout } = from;
  const memo: Deployment = {
    deployment,
    layout,
    keyId: id,
    keyCheck: check,
    ...(from.keys.length > 1 && { keys: [...from.keys] }),
    engines: from.engines.map(({ was, ...engine }) => ({ ...engine, ...(was && { was: [...was] }) })),
    ...(from.releases.length > 0 && { releases: [...from.releases] }),
  };
  checkDeployment(client, memo, keys);
  return memo;
}

function mint([key]: readonly MasterKey[]): Deployment {
  if (!key) throw new Refused('there is no master key here');
  const id = letters();
  return { deployment: id, layout, keyId: key.id, keyCheck: keyCheck(key, id) };
}

/** Ten letters that nobody had before. */
function letters(): string {
  return Array.from(randomBytes(10), (byte) => String.fromCharCode(97 + (byte % 26))).join('');
}

/**
 * What the namespace says of its deployment, whatever the key; undefined when it has none. `Refused` when the workflow
 * of that id is not creel's.
 */
export async function findDeployment(client: Client): Promise<Found | undefined> {
  try {
    const { memo, status } = await client.workflow.getHandle(deploymentWorkflowId).describe();
    const parsed = memoForm.safeParse(memo);
    if (!parsed.success) {
      throw new Refused(
        `the workflow "${deploymentWorkflowId}" of namespace ${client.options.namespace} is not creel's: its memo names no deployment. Use another namespace`,
      );
    }
    return { deployment: parsed.data, open: status.name === 'RUNNING' };
  } catch (error) {
    if (error instanceof NamespaceNotFoundError) {
      throw new Refused(
        `there is no namespace ${client.options.namespace} on this server. Make it: \`creel namespace --namespace ${client.options.namespace}\`, with the address that was used here`,
        { cause: error },
      );
    }
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
