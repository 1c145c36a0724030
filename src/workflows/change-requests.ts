import type { Wanted } from '../domain/device.js';
import type { Place } from '../domain/gateway.js';

/** What somebody asks of a gateway that lives. */
export type ChangeRequest = RotateRequest | PairRequest | DenyRequest | UnpairRequest;

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

/** A device is let in, as soon as it asks. */
export type PairRequest = Asked & {
  readonly kind: 'pair';
  readonly wanted: Wanted;
  readonly role: string;
  /** Allowed beside the ordinary scopes. */
  readonly scopes: readonly string[];
  readonly waitMs: number;
};

/** What a device asks for is turned down. */
export type DenyRequest = Asked & { readonly kind: 'deny'; readonly deviceId: string };

/** A device is cut off. */
export type UnpairRequest = Asked & { readonly kind: 'unpair'; readonly deviceId: string };
