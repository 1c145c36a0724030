import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Attempted, ProbeInput } from '../../wire/operation.js';
import { lookPolicy } from '../saga/policies.js';

type Offering = {
  findOffer: (...args: Parameters<Activities['findOffer']>) => Promise<Attempted<string>>;
};

/** What the machine of a gateway would be, and what it would cost. Any worker asks its seller. */
export async function offerMachine({ gateway, limits }: ProbeInput): Promise<string> {
  const policy = { ...lookPolicy(limits), summary: 'ask what its machine costs' };
  return (await proxyActivities<Offering>(policy).findOffer(gateway)).value;
}
