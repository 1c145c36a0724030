/** Somebody saw, or was about to see, a secret: who, which, when, never the value. */
export type AuditEntry = {
  readonly at: string;
  readonly who: string;
  readonly gateway: string;
  readonly birth: string;
  /** The token generation that was asked for; for a link, the one in force. */
  readonly generation: number;
  readonly keyId: string;
  readonly what: string;
  /** What was given: a token's generation, or words; absent in lines of an older creel. */
  readonly given?: number | string;
};

/** The written account of who saw which secret: appended to, never changed. */
export interface AuditLog {
  /** Resolves when the entry is on disk. */
  append(entry: AuditEntry): Promise<void>;
}
