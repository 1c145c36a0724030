import type { Secret } from '../domain/secret.js';

/** Customers' secrets (channel tokens, model keys): stored by name, resolved inside an activity. */
export interface SecretStore {
  /** The value, or `Refused` naming how to store one. */
  read(name: string): Promise<Secret>;
  /** Stores or replaces a value. */
  write(name: string, value: Secret): Promise<void>;
  /**
   * Notes, by a keyed hash, for whom a value is used, unless it is noted for another already: answers that other. `insteadOf` names
   * the one that gives way. One who asks twice is the same.
   */
  claim(value: Secret, owner: string, insteadOf?: string): Promise<string | undefined>;
  /** The names there are, sorted. */
  list(): Promise<string[]>;
}
