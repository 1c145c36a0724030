import { cut, cutMiddle } from '../../domain/cut.js';
import { boundedRecord } from '../../domain/gateway/reading.js';
import {
  devicesProofBytes,
  leftLength,
  leftReasonBytes,
  proofBytes,
  proofsLength,
  reasonBytes,
} from '../../domain/thresholds.js';
import type { OperationResult } from '../../wire/operation.js';

/** Proofs name the devices that must pair again: one that is cut from them would never be told. */
const namesDevices: ReadonlySet<string> = new Set(['list devices', 'name devices']);

/** A result with its texts cut to what a record and a history have room for: an engine or a gateway may say a lot. */
export function bounded(result: OperationResult): OperationResult {
  const left = result.left
    .slice(0, leftLength)
    .map((each) => ({ ...each, reason: cutMiddle(each.reason, leftReasonBytes) }));
  const proofs = result.proofs
    ?.slice(-proofsLength)
    .map((each) => ({ ...each, proof: cut(each.proof, namesDevices.has(each.step) ? devicesProofBytes : proofBytes) }));
  const record = result.record && boundedRecord(result.record);
  const { unanswered } = result;
  const down = {
    ...(result.down !== undefined && { down: cutMiddle(result.down, reasonBytes) }),
    ...(unanswered !== undefined && { unanswered: cutMiddle(unanswered, reasonBytes) }),
  };
  return { ...result, reason: cutMiddle(result.reason, reasonBytes), left, record, ...(proofs && { proofs }), ...down };
}
