import type { Wanted } from '../domain/devices/device.js';
import type { SpecChange } from '../domain/gateway/spec.js';
import type { Place } from '../domain/hosts/place.js';

/** What somebody asks of a living gateway. */
export type ChangeRequest =
  | RotateRequest
  | PairRequest
  | DenyRequest
  | UnpairRequest
  | UpgradeRequest
  | RollbackRequest
  | ReshapeRequest
  | DropRequest
  | PairSenderRequest
  | UnpairSenderRequest
  | SuspendRequest
  | ResumeRequest;

/** What every change has. */
type Asked = {
  readonly requestId: string;
  readonly origin: string;
  /** Sent by older clients; the place on record counts. */
  readonly place?: Place;
  /** The life that is meant; when absent, the one on record. */
  readonly birth?: string;
  /** Epoch ms: withdrawn if it has not begun by then. */
  readonly latestStart?: number;
};

/** The next generation of the gateway token, put in force and proved. */
export type RotateRequest = Asked & {
  readonly kind: 'rotate';
  /** Starts from whatever token is in force, because somebody else set it. */
  readonly reclaim: boolean;
  /** For a compromise: every device is removed and every old session proved closed. */
  readonly evict: boolean;
  /** The master key to derive from, which replaces creel's device, too; the deployment's first one when absent. */
  readonly keyId?: string;
};

/** Lets a device in as soon as it asks. */
export type PairRequest = Asked & {
  readonly kind: 'pair';
  readonly wanted: Wanted;
  readonly role: string;
  /** Allowed beyond the ordinary scopes. */
  readonly scopes: readonly string[];
  readonly waitMs: number;
};

/** Turns a device's request down. */
export type DenyRequest = Asked & { readonly kind: 'deny'; readonly deviceId: string };

/** Cuts a device off. */
export type UnpairRequest = Asked & { readonly kind: 'unpair'; readonly deviceId: string };

/** Lets a sender of a chat channel in, who was told this code. */
export type PairSenderRequest = Asked & {
  readonly kind: 'pair-sender';
  readonly code: string;
  readonly channel?: string;
};

/** Takes back what pairing let in. */
export type UnpairSenderRequest = Asked & {
  readonly kind: 'unpair-sender';
  readonly sender: string;
  readonly channel?: string;
};

/** Another release, proved before the serving one is given up. */
export type UpgradeRequest = Asked & {
  readonly kind: 'upgrade';
  readonly release: string;
  /** Accepts a release that was built on the worker's machine. */
  readonly dev: boolean;
  /** `dev` is what this says; when absent, a gateway that accepted such releases still does. */
  readonly devAsSaid?: true;
  /** By an operator's word, tries a release again that failed here before. */
  readonly retryFailed: boolean;
  /** How long the new container may take to get ready; the usual time when absent. */
  readonly readyMs?: number;
};

/** The former release, with its saved state. */
export type RollbackRequest = Asked & { readonly kind: 'rollback'; readonly readyMs?: number };

/** Another spec for the same release; fields left out stay as they are. */
export type ReshapeRequest = Asked &
  SpecChange & {
    readonly kind: 'change';
    readonly readyMs?: number;
    /** By a new container, also where the spec says the same: its host may have changed. */
    readonly renew?: true;
    /** The existing container takes it up; absent in what an older creel began. Set by the entity alone. */
    readonly live?: true;
  };

/** Drops saved states that are no longer needed. Asked for by the entity alone. */
export type DropRequest = Asked & {
  readonly kind: 'drop-snapshot';
  readonly former?: string;
  readonly failures?: number;
};

/** Stops the gateway and keeps everything of it. */
export type SuspendRequest = Asked & {
  readonly kind: 'suspend';
  /** Why, for people. */
  readonly reason?: string;
  /** Set by the record alone, for an account that is not paid. */
  readonly by?: 'account';
};

/** Has a suspended gateway serve again. */
type ResumeRequest = Asked & { readonly kind: 'resume' };
