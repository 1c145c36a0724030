import type { Life } from './life.js';
import type { Begun, Queued } from './queued.js';
import { writeLine } from './request-lines.js';
import type { GatewayState } from './state.js';

/** What continue-as-new carries: plain JSON, version 2, and small whatever happened (`recordBytes`). */
export type CarriedState = Readonly<Omit<GatewayState, 'life' | 'queue' | 'running' | 'answered'>> & {
  readonly version: 2;
  readonly life?: Readonly<Life> | undefined;
  readonly queue: readonly Queued[];
  readonly running?: Begun | undefined;
  /** Requests, one a line. */
  readonly requests: readonly string[];
};

/** The state in the form in which it is carried. */
export function carry({ answered, ...state }: GatewayState): CarriedState {
  return { version: 2, ...state, requests: answered.map(writeLine) };
}
