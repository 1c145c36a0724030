import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Bought, BoughtMachine } from '../wire/bought.js';
import { boughtWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import { NoWorker, TurnedDown, unwrap } from './failure.js';
import { localPlace } from './gateways.js';
import { answerOf } from './looks.js';
import { onMachines } from './net/machines.js';

/** How long it may take. */
const limit = '1 minute';

/** A machine that was bought, with what its gateway is on record. */
export type ShownMachine = BoughtMachine & {
  /** The phase of its gateway; absent where no record names the machine. */
  readonly phase?: string;
};

/** What was bought, with what is on record of it; or why nobody could tell. */
export type ShownBought = (Omit<Bought, 'machines'> & { readonly machines: readonly ShownMachine[] }) | Untold;

type Untold = { readonly untold: string };

/** Every machine that the deployment has bought, by its seller; undefined where none are bought. */
export async function listBought(client: Client): Promise<ShownBought | undefined> {
  const bought = await look(client);
  if (!bought || 'untold' in bought) return bought;
  const phases = new Map<string, string>();
  for await (const { at, phase } of onMachines(client)) phases.set(`${at.region} ${at.host}`, phase);
  const machines = bought.machines.map((each): ShownMachine => {
    const phase = phases.get(`${each.region} ${each.name}`);
    return phase === undefined ? each : { ...each, phase };
  });
  return { ...bought, machines };
}

async function look(client: Client): Promise<Bought | Untold | undefined> {
  try {
    const handle = await client.workflow.start('listMachines', {
      workflowId: boughtWorkflowId(randomBytes(6).toString('hex')),
      taskQueue,
      args: [{ limits: defaultLimits }],
      workflowExecutionTimeout: limit,
      staticSummary: 'list the machines that were bought',
    });
    return (await answerOf<Bought | null>(client, handle, localPlace)) ?? undefined;
  } catch (failure) {
    const error = unwrap(failure);
    if (error instanceof NoWorker || error instanceof TurnedDown) return { untold: error.message };
    throw error;
  }
}
