/** How long a connection may take, how soon a cut is noticed, and how long it is kept for nobody. */
export type SshLimits = {
  /** From the first packet to a connection that can be used. */
  readonly connectMs: number;
  /** How often the other side is asked whether it is there. */
  readonly keepAliveMs: number;
  /** How many of these in a row may go unanswered. */
  readonly keepAlivesMissed: number;
  /** How long a connection without a stream is kept. */
  readonly idleMs: number;
};

/** A silent cut is noticed within 20 s, before the 25 s that a call to an engine may take. */
export const sshLimits: SshLimits = { connectMs: 15_000, keepAliveMs: 5_000, keepAlivesMissed: 3, idleMs: 60_000 };
