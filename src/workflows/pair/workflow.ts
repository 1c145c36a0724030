import type { Change } from '../../domain/changes/change.js';
import { readinessMs } from '../../domain/thresholds.js';
import { defaultLimits, type Limits } from '../../wire/limits.js';
import type { OperationInput, OperationResult } from '../../wire/operation.js';
import { runOperation } from '../saga/run-operation.js';

/** Lets a device in and sees it connect, or leaves no device paired that was not before (S0-11). */
export async function pairDevice(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.change(2 * input.limits.waitMs + input.gateway.spec.parkMs + readinessMs));
}

/** Turns the request of a device down. */
export async function denyDevice(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.change(readinessMs));
}

/** Cuts a device off and proves it. */
export async function unpairDevice(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.change(readinessMs));
}

/** The limits of one operation: its deadline counts worked time, and a step that waits for a device may take as long as the pairing was told to wait, and a little more to say so. */
export function limitsFor(limits: Limits, change: Change | undefined): Limits {
  const own = { ...limits, deadlineSlices };
  if (change?.kind !== 'pair') return own;
  const { waitHeartbeatMs = defaultLimits.waitHeartbeatMs ?? limits.slowHeartbeatMs } = limits;
  return { ...own, waitHeartbeatMs, waitMs: Math.max(limits.waitMs, change.waitMs + limits.actMs) };
}

/** A tenth of a deadline is what an outage can add to it at most, for ten timers in an operation that uses all of it. */
const deadlineSlices = 10;
