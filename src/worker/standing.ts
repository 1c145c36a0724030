import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { unansweredMs } from '../domain/thresholds.js';
import { phases } from '../wire/description.js';
import { metricNames } from '../wire/metrics.js';

export type StandingParts = {
  readonly client: Client;
  readonly paceMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

const running = "ExecutionStatus = 'Running'";
const gateways = `WorkflowType = 'gateway' AND ${running}`;
const operations = `OperationKind IS NOT NULL AND ${running}`;

/** What is counted beside the gateways of each phase. */
const counted = [
  [metricNames.attention, `${gateways} AND NeedsAttention = true`],
  [metricNames.open, operations],
  [metricNames.parks, `${operations} AND NeedsAttention = true`],
  [metricNames.pagesOpen, `WorkflowType = 'tellPerson' AND ${running}`],
] as const;

/**
 * Counts how the deployment stands until the signal fires, and sets the gauges (K-4). Every worker that serves metrics
 * counts the same deployment, so that no worker has to be there for it: of several, people read the largest and do not
 * add up. Where the server does not answer the gauges stay, and the time of the last count says how old they are.
 */
export async function countStanding({ client, paceMs, log, signal }: StandingParts): Promise<void> {
  const meter = Runtime.instance().metricMeter.withTags({ namespace: client.options.namespace });
  const byPhase = meter.createGauge(metricNames.gateways);
  const at = meter.createGauge(metricNames.counted);
  const count = async (query: string) =>
    (await client.withDeadline(Date.now() + unansweredMs, () => client.workflow.count(query))).count;
  while (!signal.aborted) {
    try {
      for (const phase of phases) byPhase.set(await count(`${gateways} AND GatewayPhase = '${phase}'`), { phase });
      for (const [name, query] of counted) meter.createGauge(name).set(await count(query));
      at.set(Math.floor(Date.now() / 1_000));
    } catch (error) {
      if (!signal.aborted)
        log.warn({ err: error }, 'the gateways could not be counted for the metrics; counting again');
    }
    await after(paceMs, undefined, { signal }).catch(() => undefined); // Checked by the loop.
  }
}
