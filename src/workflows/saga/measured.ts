import { metricMeter } from '@temporalio/workflow';
import { metricNames } from '../../wire/metrics.js';
import type { OperationKind, OperationOutcome } from '../../wire/operation.js';

/**
 * Counts an operation that has ended (K-4). A replay counts nothing again; a worker that dies between the count and its
 * report to the server may have counted once too often.
 */
export function measureOperation(kind: OperationKind, outcome: OperationOutcome | 'lost', ms: number): void {
  metricMeter.createCounter(metricNames.operations).add(1, { kind, outcome });
  metricMeter.createHistogram(metricNames.operationSeconds, 'float').record(seconds(ms), { kind, outcome });
}

/** Measures a step by the clock of the run: with its retries, and with a time in which no worker was there. */
export function measureStep(step: string, doing: 'do' | 'undo', outcome: string, ms: number): void {
  metricMeter.createHistogram(metricNames.stepSeconds, 'float').record(seconds(ms), { step, doing, outcome });
}

/** The clock of a run goes forward with its tasks, and a server's may be set back between two of them. */
function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000;
}
