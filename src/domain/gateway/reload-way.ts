import type { Prepared } from '../release/image.js';
import type { Release } from '../release/release.js';
import { reloads } from '../keys/token-source.js';

/** How a release takes a new gateway token: while it runs, or by being stopped, written to and started again. */
export type RotationWay = 'reload' | 'restart';

/** What a release can do is known from its prepared image or from its trial; the gateway's own config may forbid it. */
export function rotationWay(prepared: Prepared, line: Release, config: string | undefined): RotationWay {
  const can = line.reloadsToken === true || prepared.capabilities.includes('hot-reload-token');
  return can && reloads(config) ? 'reload' : 'restart';
}
