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
  readonly egress: string;
  readonly keyId: string;
  readonly provedAt: string;
  /** What its engine says of itself; absent in records that were made before it was read. */
  readonly runsOn?: string;
};
