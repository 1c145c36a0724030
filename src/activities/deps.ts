import type { World } from '../world.js';

/** What the activities are built over. */
export type Deps = World & {
  /** The cancellation of the activity that is running, if any. */
  readonly signal: () => AbortSignal | undefined;
  /** Ids of the workflows still open under a prefix. */
  readonly findOpenOperations: (prefix: string) => Promise<string[]>;
};
