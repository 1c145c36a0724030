/** Which engine on which host a gateway stands on. */
export type Place = {
  readonly provider: 'local';
  readonly host: string;
  /** The engine's own id; absent until the first operation has found it, and in records from before it was kept. */
  readonly engine?: string;
};
