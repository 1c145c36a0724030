import type { Wanted } from '../domain/devices/device.js';
import type { SpecChange } from '../domain/gateway/spec.js';
import type { Place } from '../domain/hosts/place.js';

/** What somebody asks of a gateway that lives. */
export type ChangeRequest =
  | RotateRequest
  | PairRequest
  | DenyRequest
  | UnpairRequest
  | UpgradeRequest
  | RollbackRequest
  | ReshapeRequest
  | DropRequest;

/** What every change has. */
type Asked = {
  readonly requestId: string;
  readonly origin: string;
  /** Older clients named one; the place is the record's. */
  readonly place?: Place;
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
  /** The master key that it is to be derived from, which replaces creel's device too; the deployment's first one when absent. */
  readonly keyId?: string;
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

/** Another release, proved before the previous one is let go. */
export type UpgradeRequest = Asked & {
  readonly kind: 'upgrade';
  readonly release: string;
  /** Takes a release that was built on the worker's machine. */
  readonly dev: boolean;
  /** An operator's word: tried again although it failed here before. */
  readonly retryFailed: boolean;
  /** How long it may take until it is ready; the usual time when absent. */
  readonly readyMs?: number;
};

/** The kept release, with the state that it was left with. */
export type RollbackRequest = Asked & { readonly kind: 'rollback'; readonly readyMs?: number };

/** Another spec for the same release; what is absent stays. */
export type ReshapeRequest = Asked &
  SpecChange & {
    readonly kind: 'change';
    readonly readyMs?: number;
    /** The container that there is takes it up; absent in what an older creel began. Only the entity itself says so. */
    readonly live?: true;
  };

/** Lets go of saved states that are not kept any more. Only the entity itself asks for it. */
export type DropRequest = Asked & {
  readonly kind: 'drop-snapshot';
  readonly former?: string;
  readonly failures?: number;
};
