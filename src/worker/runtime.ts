import { Runtime, type TelemetryOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { Refused } from '../domain/errors.js';
import { metricNames, operationBounds, stepBounds } from '../wire/metrics.js';
import { temporalLogger } from './log.js';

/**
 * Installs Temporal's runtime, once per process and before any connection: it logs through our log, serves Prometheus
 * metrics at `metricsAt` (address and port) or nowhere, and leaves signals to the main. An address that cannot be had
 * is `Refused`.
 */
export function installRuntime(log: Logger, metricsAt: string | undefined): void {
  if (metricsAt === undefined) return install(log, {});
  try {
    install(log, { metrics: { prometheus: { bindAddress: metricsAt, histogramBucketOverrides: bounds } } });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Refused(
      `the metrics cannot be served at ${metricsAt}: ${said}. End what listens there, or name another address in CREEL_METRICS`,
      { cause: error },
    );
  }
}

const bounds = {
  [metricNames.operationSeconds]: [...operationBounds],
  [metricNames.stepSeconds]: [...stepBounds],
};

function install(log: Logger, metrics: Pick<TelemetryOptions, 'metrics'>): void {
  Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} }, ...metrics },
  });
}
