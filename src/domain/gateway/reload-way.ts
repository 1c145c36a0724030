import type { Prepared } from '../release/image.js';
import { reloads } from '../keys/token-source.js';

/** How a release takes a new gateway token: while it runs, or by being stopped, written to and started again. */
export type RotationWay = 'reload' | 'restart';

/** What a release can do is known from its prepared image; the gateway's own config may forbid it. */
export function rotationWay(prepared: Prepared, config: string | undefined): RotationWay {
  return prepared.capabilities.includes('hot-reload-token') && reloads(config) ? 'reload' : 'restart';
}
