import type { Denial, Pairing, Unpairing } from './pairing.js';
import type { Reconfiguration } from './reconfiguration.js';
import type { Replacement, SavedStateDrop } from './replacement.js';
import type { SenderPairing, SenderRemoval } from './sender-pairing.js';
import type { Rotation } from './rotation.js';
import type { Suspension } from './suspension.js';

/** What a change of a living gateway is to achieve: plain JSON, decided before its operation begins. */
export type Change =
  | Rotation
  | Pairing
  | Denial
  | Unpairing
  | Replacement
  | Reconfiguration
  | SavedStateDrop
  | SenderPairing
  | SenderRemoval
  | Suspension;
