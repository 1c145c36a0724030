/** Somebody saw, or was about to see, a secret: who, which, when, never the value. */
export type AuditEntry = {
  readonly at: string;
  readonly who: string;
  readonly gateway: string;
  readonly birth: string;
  readonly generation: number;
  readonly keyId: string;
  readonly what: string;
};

/** Where it is written down who saw what: appended to, never changed. */
export interface AuditLog {
  /** Resolves when the entry is on disk. */
  append(entry: AuditEntry): Promise<void>;
}
