/** Lets a sender of a chat channel in, who was told a code. */
export type SenderPairing = {
  readonly kind: 'pair-sender';
  readonly code: string;
  /** Where it was told; any channel when absent. */
  readonly channel?: string;
  /** When it began, which names it among the pairings that a gateway's state remembers. */
  readonly since: number;
};

/** Takes back what pairing let in: the sender has to ask again. */
export type SenderRemoval = {
  readonly kind: 'unpair-sender';
  readonly sender: string;
  /** Where; every channel when absent. */
  readonly channel?: string;
};
