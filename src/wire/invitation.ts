/** Under which path of the front door guests come. */
export const guestPath = '/in';

/** Asks for a link to a gateway, in the place of any other. The secret of it stays with who asks. */
export type Invite = {
  /** SHA-256 of what the link says, in hexadecimal. */
  readonly digest: string;
  /** For how long it may be used (ms). */
  readonly validMs: number;
  /** Who asks, for people. */
  readonly origin: string;
};

/** The answer, once it is on record. */
export type Invited = {
  /** Until then (epoch ms) the link may be used. */
  readonly until: number;
};
