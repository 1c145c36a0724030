/** What a machine of the stand-in is started with. */
export type BodyOrder = {
  /** Never used for another machine. */
  readonly id: string;
  readonly name: string;
  readonly launchScript: string;
  readonly login: string;
  /** Lines of public keys that open it. */
  readonly keys: readonly string[];
  readonly memoryMb: number;
  readonly diskGb: number;
};

export type BodyHostKey = { readonly algorithm: string; readonly publicKey: string };

/**
 * What stands behind a machine of the stand-in. Every call may be repeated; what does not exist is deleted, stopped and
 * killed already.
 */
export interface MachineBody {
  /** Makes it, switched off. */
  create(order: BodyOrder): Promise<void>;
  /** Switches it on; the first time, the launch script runs. */
  start(id: string): Promise<void>;
  /** Shuts it down in order. */
  stop(id: string): Promise<void>;
  /** Takes its power away. */
  kill(id: string): Promise<void>;
  /** Nothing in it moves any more, and its connections stay open. */
  freeze(id: string): Promise<void>;
  /** Everything in it goes on. */
  thaw(id: string): Promise<void>;
  delete(id: string): Promise<void>;
  /** Where it is reached; undefined while it has no address. */
  address(id: string): Promise<string | undefined>;
  /** Gives it a static address, and answers the one under which it is really reached then. */
  attach(id: string, address: string): Promise<string>;
  /** What it has shown of its host keys. */
  hostKeys(id: string): Promise<readonly BodyHostKey[]>;
  /** All that there are. */
  list(): Promise<readonly string[]>;
}
