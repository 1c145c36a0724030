import { cut } from '../cut.js';
import { recordEntryBytes, recordFieldBytes, recordListLength } from '../thresholds.js';

/** The gateway read back by name: an operation's result and the entity's record. */
export type GatewayRecord = {
  readonly version: string;
  readonly imageId: string;
  readonly containerId: string;
  readonly network: string;
  readonly subnet: string;
  readonly port: number;
  readonly volume: string;
  readonly operatorScopes: readonly string[];
  readonly channels: string;
  /** Every channel of its spec has really connected, if it has any; absent also in records that were made before this was told. */
  readonly connected?: true;
  readonly egress: string;
  readonly keyId: string;
  readonly provedAt: string;
  /** What its engine says of itself; absent in records that were made before it was read. */
  readonly runsOn?: string;
  /** What its config says otherwise than creel would have it, though it serves; absent when there is nothing of the kind. */
  readonly findings?: readonly string[];
};

/** The same with each text no longer than a record has room for. */
export function boundedRecord(record: GatewayRecord): GatewayRecord {
  const entries = Object.entries(record).map(([key, value]: [string, unknown]) => [key, bounded(value)]);
  return { ...record, ...Object.fromEntries(entries) };
}

function bounded(value: unknown): unknown {
  if (typeof value === 'string') return cut(value, recordFieldBytes);
  if (!Array.isArray(value)) return value;
  return value.slice(0, recordListLength).map((each: unknown) => cut(String(each), recordEntryBytes));
}
