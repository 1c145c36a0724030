import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { fingerprint } from '../../domain/fingerprint.js';
import { reconcileWorkflowId, taskQueue } from '../../wire/ids.js';
import type { Drifted, ReconcileInput, ReconcileMemory, ReconcileResult } from '../../wire/reconcile.js';
import { unwrap } from '../failure.js';
import { demandWorker } from '../deployment/keys.js';
import { lastResult } from './last-result.js';

const resultForm = z.object({
  at: z.string(),
  drifted: z.array(
    z.object({
      gateway: z.string(),
      birth: z.string(),
      engine: z.string(),
      drifts: z.array(z.string()),
      repairs: z.boolean(),
      since: z.number().exactOptional(),
      done: z.string().exactOptional(),
    }),
  ),
  memory: z.object({ known: z.array(z.tuple([z.string(), z.number()])) }),
});

/** What the last reconciliation that was no dry run handed on; undefined where there is none. As visibility has it. */
export async function lastReconcile(client: Client): Promise<ReconcileMemory | undefined> {
  return (await lastResult(client, 'reconcile', resultForm))?.memory;
}

/** The gateways that were not as recorded when the last reconciliation ended, and when that was. */
export async function lastDrifted(client: Client): Promise<{ at: string; drifted: readonly Drifted[] } | undefined> {
  return lastResult(client, 'reconcile', resultForm);
}

/** Has every ready gateway looked at, and answers what came of it. `NoWorker` when there is none to do it. */
export async function runReconcile(client: Client, input: ReconcileInput): Promise<ReconcileResult> {
  await demandWorker(client);
  const now = new Date().toISOString();
  const run = `${now.replace(/\.\d+Z$/, 'Z')}-${fingerprint(`${now}${Math.random()}`).slice(0, 4)}`;
  try {
    return await client.workflow.execute<(input: ReconcileInput) => Promise<ReconcileResult>>('reconcile', {
      workflowId: reconcileWorkflowId(run),
      taskQueue,
      args: [input],
      staticSummary: input.dryRun ? 'which gateways are not as recorded' : 'reconcile',
    });
  } catch (error) {
    throw unwrap(error);
  }
}
