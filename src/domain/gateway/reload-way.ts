import type { Prepared } from '../release/image.js';
import { reloads } from '../keys/token-source.js';

/** How a release takes a new gateway token up: while it runs, or by stopping it, writing and starting it again. */
export type RotationWay = 'reload' | 'restart';

/** What each release can do is known from its prepared image; its own config may forbid it. */
export function rotationWay(prepared: Prepared, config: string | undefined): RotationWay {
  return prepared.capabilities.includes('hot-reload-token') && reloads(config) ? 'reload' : 'restart';
}
