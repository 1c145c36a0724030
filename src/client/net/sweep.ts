import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { fingerprint } from '../../domain/fingerprint.js';
import { sweepWorkflowId, taskQueue } from '../../wire/ids.js';
import { sweepQuery, type SweepInput, type SweepMemory, type SweepResult } from '../../wire/sweep.js';
import { demandWorker } from '../deployment/keys.js';
import { unwrap } from '../failure.js';
import { lastResult } from './last-result.js';

const memoryForm = z.object({
  memory: z.object({
    inventory: z.record(z.string(), z.number()),
    reported: z.array(z.tuple([z.string(), z.number()])),
  }),
});

/** What the last sweep that was no dry run handed on; undefined where there is none. As visibility has it. */
export async function lastSweep(client: Client): Promise<SweepMemory | undefined> {
  return (await lastResult(client, 'sweep', memoryForm))?.memory;
}

/** A sweep that was begun: its name, what it does now, and its end. */
export type Sweeping = {
  readonly workflowId: string;
  /** In one sentence; empty when nobody says. */
  readonly says: () => Promise<string>;
  readonly end: Promise<SweepResult>;
};

/** Begins a sweep, or a look at what one would do. `NoWorker` when there is none to do it. */
export async function startSweep(client: Client, input: SweepInput): Promise<Sweeping> {
  await demandWorker(client);
  const now = new Date().toISOString();
  const workflowId = sweepWorkflowId(
    `${now.replace(/\.\d+Z$/, 'Z')}-${fingerprint(`${now}${Math.random()}`).slice(0, 4)}`,
  );
  try {
    const handle = await client.workflow.start<(input: SweepInput) => Promise<SweepResult>>('sweep', {
      workflowId,
      taskQueue,
      args: [input],
      staticSummary: input.dryRun ? 'what would be swept' : 'sweep',
    });
    const end = handle.result().catch((error: unknown) => {
      throw unwrap(error);
    });
    end.catch(() => undefined); // Told to whoever follows.
    return { workflowId, says: () => handle.query(sweepQuery).catch(() => ''), end };
  } catch (error) {
    throw unwrap(error);
  }
}
