import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { ForeseeInput } from '../../wire/foresight.js';
import type { Attempted } from '../../wire/operation.js';
import { lookPolicy, onEngine } from '../saga/policies.js';

type Foreseeing = {
  findObstacles: (...args: Parameters<Activities['findObstacles']>) => Promise<Attempted<string[][]>>;
};

/** What the first step of each gateway would refuse, by the catalogue and the secrets of the worker beside its engine. */
export async function foreseeGateways({ gateways, limits, ...also }: ForeseeInput): Promise<string[][]> {
  const [first] = gateways;
  if (!first) return [];
  const policy = { ...lookPolicy(limits), ...onEngine(first.place), summary: 'look for what would be refused' };
  return (await proxyActivities<Foreseeing>(policy).findObstacles({ gateways, ...also })).value;
}
