import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Bought } from '../../wire/bought.js';
import type { Limits } from '../../wire/limits.js';
import type { Attempted } from '../../wire/operation.js';
import { lookPolicy } from '../saga/policies.js';

type Looking = {
  findBought: (...args: Parameters<Activities['findBought']>) => Promise<Attempted<Bought | null>>;
};

/** The machines that the deployment has bought, and what it may; null where none are bought. Any worker asks their seller. */
export async function listMachines({ limits }: { readonly limits: Limits }): Promise<Bought | null> {
  const policy = { ...lookPolicy(limits), summary: 'list what was bought' };
  return (await proxyActivities<Looking>(policy).findBought()).value;
}
