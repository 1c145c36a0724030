import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { TurnedDown, unwrap } from '../failure.js';
import { readRetention } from './retention.js';

/** How long closed runs can be looked up in a namespace that creel makes. */
const keptDays = 30;

const dayMs = 24 * 3_600_000;

/** A server tells its parts of a new namespace within ten seconds. */
const knownMs = 60_000;

/** What became of a namespace that is to keep closed runs for so long. */
export type Prepared = { readonly namespace: string; readonly made: boolean; readonly keptDays: number };

/**
 * Makes the namespace of this client where there is none, and has it keep closed runs for 30 days where it keeps them
 * more briefly. Needs neither key nor worker. `TurnedDown` where the server lets nobody do that.
 */
export async function prepareNamespace(client: Client): Promise<Prepared> {
  const { namespace } = client.options;
  try {
    const made = await makeNamespace(client);
    const kept = made ? keptDays : (await readRetention(client.workflowService, namespace)).keptDays;
    if (kept < keptDays) await client.workflowService.updateNamespace({ namespace, config: retention });
    await untilKnown(client);
    return { namespace, made, keptDays: Math.max(kept, keptDays) };
  } catch (error) {
    throw refusal(namespace, error);
  }
}

const retention = { workflowExecutionRetentionTtl: msToTs(keptDays * dayMs) };

async function makeNamespace(client: Client): Promise<boolean> {
  const { namespace } = client.options;
  try {
    const workflowExecutionRetentionPeriod = msToTs(keptDays * dayMs);
    await client.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
    return true;
  } catch (error) {
    if (codeOf(error) === alreadyExists) return false;
    throw error;
  }
}

/** A namespace that was just made is unknown to the rest of the server for some seconds. */
async function untilKnown(client: Client): Promise<void> {
  for (const end = Date.now() + knownMs; ; await sleep(500)) {
    try {
      await client.workflow.count();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

const alreadyExists = 6;
const permissionDenied = 7;
const unimplemented = 12;

function refusal(namespace: string, error: unknown): Error {
  if (![permissionDenied, unimplemented].includes(codeOf(error) ?? 0)) return unwrap(error);
  return new TurnedDown(
    `this server lets nobody change namespace ${namespace} in this way: make it, and have it keep closed runs for ${keptDays} days, where you make others (Temporal Cloud: its UI, or tcld)`,
    'Refused',
    { cause: error },
  );
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
