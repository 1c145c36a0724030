import type { Gateway } from '../gateway/gateway.js';
import type { Denial, Pairing, Unpairing } from './pairing.js';
import type { Reconfiguration } from './reconfiguration.js';
import type { Replacement, SnapshotDrop } from './replacement.js';
import type { Rotation } from './rotation.js';

/** What a change of a living gateway is to come to: plain JSON, decided before its operation begins. */
export type Change = Rotation | Pairing | Denial | Unpairing | Replacement | Reconfiguration | SnapshotDrop;

/** What every step of a change is told: the gateway as it is on record, and what it is to become. */
export type Changing<C extends Change> = Gateway & {
  readonly change: C;
  /** Refusals, word for word, that an operator lets pass. */
  readonly allowed?: readonly string[];
};
