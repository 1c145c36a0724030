import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { temporalLogger } from './log.js';

/**
 * Installs Temporal's runtime, once per process and before any connection: everything it says goes through our log, Prometheus
 * metrics are served at `metricsAt` (host:port) or nowhere, and signals are left to the main.
 */
export function installRuntime(log: Logger, metricsAt: string | undefined): void {
  Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(metricsAt !== undefined && { metrics: { prometheus: { bindAddress: metricsAt } } }),
    },
  });
}
