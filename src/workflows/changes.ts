import { deny, pair, unpair } from './pair/operation.js';
import { reconfigure, reshape } from './reconfigure/operation.js';
import type { ChangeOperation } from './record/operation.js';
import { dropSavedStates } from './replace/drop.js';
import { rollback, upgrade } from './replace/operation.js';
import { rotate } from './rotate/operation.js';
import { pairSender, unpairSender } from './senders/operation.js';
import { suspend } from './suspend/operation.js';

/** The operations over a living gateway, one a line. Each is told only of requests and changes of its own kind. */
export const changes: readonly ChangeOperation[] = [
  rotate,
  pair,
  deny,
  unpair,
  upgrade,
  rollback,
  reshape,
  reconfigure,
  dropSavedStates,
  pairSender,
  unpairSender,
  suspend,
];
