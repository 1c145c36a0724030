import type { Place } from '../domain/hosts/place.js';
import type { Recovered } from '../domain/recovery/exported.js';
import type { GatewaySpec } from '../domain/gateway/spec.js';
import type { ChangeRequest } from './change-requests.js';
import type { Limits } from './limits.js';
import type { OperationKind, OperationOutcome } from './operation.js';

/** What somebody asks of a gateway. Repeated with the same request id it stays one request. */
export type Request = ProvisionRequest | RemoveRequest | ChangeRequest;

export type ProvisionRequest = {
  readonly kind: 'provision';
  readonly requestId: string;
  /** Who asks: shown to people, never acted on. */
  readonly origin: string;
  readonly spec: GatewaySpec;
  readonly place: Place;
  /** The birth of the life this begins, if it begins one. */
  readonly birth: string;
  /** The master key for a life that this begins; the deployment's first one when absent. */
  readonly keyId?: string;
  /**
   * `new`: begin a life, or repair the one there is. `restore`: take up the state that a removal kept.
   * `take up`: go on with the life of exactly this birth whose record was lost.
   */
  readonly how: 'new' | 'restore' | 'take up';
  /** With a take-up: what an export says of that life. Its record begins in the phase `adopting`. */
  readonly recovered?: Recovered;
};

export type RemoveRequest = {
  readonly kind: 'remove';
  readonly requestId: string;
  readonly origin: string;
  /** Removes the state volume now, whatever the spec says. */
  readonly purge: boolean;
  /** Names the life whose record was lost; undefined for the one on record. */
  readonly birth?: string;
  /**
   * The engine on which it stands, by an operator's word, where the record names none. Older clients named the host.
   */
  readonly place?: Place;
  /**
   * The engine on which it stands, which an operator declares gone for good: nothing is undone there, and the record
   * ends.
   */
  readonly gone?: string;
};

/** The answer to a request: which operation carries it out. Follow that workflow. */
export type Accepted = {
  readonly gateway: string;
  readonly birth: string;
  readonly operation: number;
  readonly kind: OperationKind;
  /** The operation's workflow; once the operation has begun this id exists. */
  readonly workflowId: string;
  readonly state: 'queued' | 'running' | OperationOutcome;
};

/** Withdraws a request that has not begun. */
export type Withdrawal = { readonly requestId: string; readonly reason: string };

/** What the entity is started with. A request travels here and in the update: whichever arrives first counts, once. */
export type GatewayStart = {
  readonly layout: 1;
  readonly deployment: string;
  readonly gateway: string;
  readonly limits: Limits;
  readonly request?: Request;
  /** The number of the first operation: above the highest ever seen of this gateway; 1 when absent. */
  readonly firstOperation?: number;
};
