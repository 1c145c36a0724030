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
  /** Every channel of its spec has really connected, if it has any; also absent in older records. */
  readonly connected?: true;
  readonly egress: string;
  readonly keyId: string;
  readonly provedAt: string;
  /** What its engine says of itself; absent in older records. */
  readonly runsOn?: string;
  /** The model that answers, and what is asked in its place; absent when its spec names none. */
  readonly model?: string | undefined;
  /** The channels whose plugin its image carries; absent in older records, and where its image is gone by name. */
  readonly serves?: readonly string[];
  /** What its state takes of the disk; absent where its spec says no limit, or it could not be counted in time. */
  readonly stateBytes?: number;
  /** What its config says against creel's wishes, though it serves; absent when nothing. */
  readonly findings?: readonly string[];
};

/** The same, with each text cut to what a record has room for. */
export function boundedRecord(record: GatewayRecord): GatewayRecord {
  const entries = Object.entries(record).map(([key, value]: [string, unknown]) => [key, bounded(value)]);
  return { ...record, ...Object.fromEntries(entries) };
}

function bounded(value: unknown): unknown {
  if (typeof value === 'string') return cut(value, recordFieldBytes);
  if (!Array.isArray(value)) return value;
  return value.slice(0, recordListLength).map((each: unknown) => cut(String(each), recordEntryBytes));
}

/** What a gateway reached, beside the word `egress`. */
export function egressText(egress: string): string {
  return egress.replace(/^no egress: /, 'none: ').replace(/^egress not known: /, 'not known: ');
}
