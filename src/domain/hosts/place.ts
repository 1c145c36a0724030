/** The engine, on a host, on which a gateway stands. */
export type Place = {
  readonly provider: 'local';
  readonly host: string;
  /** The engine's own id; absent until the first operation has found it, and in older records. */
  readonly engine?: string;
};
