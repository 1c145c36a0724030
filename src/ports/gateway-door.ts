import type { SenderBook } from '../domain/channels/paired-senders.js';
import type { Place } from '../domain/hosts/place.js';
import type { Endpoint } from '../domain/models/endpoint.js';
import type { Secret } from '../domain/secret.js';
import type { Device } from '../domain/keys/token.js';

/** Where a gateway is published. */
export type Address = { readonly place: Place; readonly port: number };

export type Hello = {
  readonly version: string;
  readonly scopes: readonly string[];
  /** Changes with each boot of the gateway. */
  readonly bootId: string;
  /** What a paired device may show from now on in place of the shared token; it outlives a rotation. */
  readonly deviceToken: Secret | undefined;
  /** How many milliseconds its clock is ahead of ours, as it told this connection; absent where it did not say. */
  readonly aheadMs?: number;
};

/** A connection that a gateway let in. */
export interface Session {
  readonly hello: Hello;
  /**
   * One request. A refusal by the gateway is an `RpcError`; a lost connection, or no answer in time, is a plain
   * `Error`.
   */
  call(method: string, params: unknown): Promise<unknown>;
  /** The gateway's close code (4001: its token changed), once the connection has ended; 0 when it ended without one. */
  readonly closed: Promise<number>;
  close(): void;
}

/**
 * A gateway's answer to a knock that reached it. A gateway that cannot be reached, or is still starting, is thrown as
 * `NotYet`.
 */
export type Knock =
  | { readonly kind: 'open'; readonly session: Session }
  | { readonly kind: 'pairing required'; readonly requestId: string; readonly reason: string }
  | { readonly kind: 'wrong token' }
  | { readonly kind: 'locked out' }
  | { readonly kind: 'turned away'; readonly code: string; readonly reason: string };

export type Credentials = {
  /** The shared token or, for a paired device, its own. */
  readonly token: Secret;
  readonly device: Device | undefined;
  readonly scopes: readonly string[];
};

/** The container to talk from, and the token to use. */
export type Inside = { readonly place: Place; readonly container: string; readonly token: Secret };

export type Call = { readonly method: string; readonly params: unknown };

/** The result of one call made inside. */
export type Answer =
  | { readonly ok: true; readonly payload: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The gateway's answer to a connection from inside its container, which is an operator without pairing. */
export type InsideKnock =
  | { readonly kind: 'open'; readonly hello: Hello; readonly answers: readonly Answer[] }
  | Exclude<Knock, { kind: 'open' }>;

/** What is done to a gateway's book of chat senders before it is read. */
export type SenderDeed =
  | { readonly kind: 'none' }
  /** The request with this code becomes an admission; one that is not there (any more) changes nothing. */
  | { readonly kind: 'approve'; readonly channel: string; readonly account: string; readonly code: string }
  /** The sender is admitted no more; one who was not changes nothing. */
  | { readonly kind: 'remove'; readonly channel: string; readonly account: string; readonly id: string };

export type Pulse = 'answers' | 'silent' | 'deaf';

/** The two ways to talk to a gateway: from outside, as a client sees it, and from inside, by exec. */
export interface GatewayDoor {
  /**
   * Asks the start-up endpoint through the published port. Resolves once it says started; until then `NotYet`, with
   * what it said.
   */
  probeStartup(at: Address): Promise<void>;
  /**
   * Whether a process answers behind the published port. `silent`: it takes a connection and then says nothing for
   * seconds, because it hangs or is busy; `deaf`: nothing listens there.
   */
  findPulse(at: Address): Promise<Pulse>;
  /** Connects from outside, through the published port. */
  knock(at: Address, as: Credentials): Promise<Knock>;
  /** Connects from inside the container, makes the calls in order, hangs up. */
  callInside(at: Inside, calls: readonly Call[]): Promise<InsideKnock>;
  /**
   * The senders of these channels whom the gateway told a code, and those whom one let in, after a deed. It counts for the
   * next message. `Refused` where the release keeps them in a way that is not known.
   */
  visitSenders(at: Inside, channels: readonly string[], deed: SenderDeed): Promise<SenderBook>;
  /**
   * A one-time link, as published at `at`, that opens the Control UI paired as owner; it lives for about ten minutes.
   */
  mintLink(inside: Inside, at: Address): Promise<{ readonly url: Secret; readonly expiresAt: string }>;
  /**
   * Whether a TCP connection from inside the container to the world works: a sentence for the record, never an error.
   */
  probeEgress(inside: Inside): Promise<string>;
  /**
   * Why no TCP connection from inside the container to there comes to be; undefined when one does, or when it cannot be
   * asked.
   */
  findObstacle(inside: Inside, to: Endpoint): Promise<string | undefined>;
}

/** A gateway refused a request: its own code and sentence. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
