import type { Place } from '../domain/gateway.js';

/** What somebody asks of a gateway that lives. */
export type ChangeRequest = RotateRequest;

/** What every change has. */
type Asked = {
  readonly requestId: string;
  readonly origin: string;
  readonly place: Place;
  /** The life that is meant; the one on record when absent. */
  readonly birth?: string;
  /** Epoch ms: not begun by then, it is withdrawn. */
  readonly latestStart?: number;
};

/** The next generation of the gateway token, put in force and proved. */
export type RotateRequest = Asked & {
  readonly kind: 'rotate';
  /** From whatever value is in force, because somebody else set it. */
  readonly reclaim: boolean;
  /** For a compromise: every device is removed and every old session proved closed. */
  readonly evict: boolean;
};
