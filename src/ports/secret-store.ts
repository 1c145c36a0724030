import type { Secret } from '../domain/secret.js';

/** Customers' secrets (channel tokens, model keys): stored by name, resolved inside an activity. */
export interface SecretStore {
  /** The value, or `Refused` naming how to store one. */
  read(name: string): Promise<Secret>;
  /** Stores or replaces a value. */
  write(name: string, value: Secret): Promise<void>;
  /** The names there are, sorted. */
  list(): Promise<string[]>;
}
