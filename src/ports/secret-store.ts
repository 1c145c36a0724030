import type { Secret } from '../domain/secret.js';

/** Customers' secrets (channel tokens, model keys): stored by name, resolved inside an activity. */
export interface SecretStore {
  /** The value, or `Refused` naming how to store one. */
  read(name: string): Promise<Secret>;
  /** Stores or replaces a value. */
  write(name: string, value: Secret): Promise<void>;
  /**
   * What tells the stored value from every other that is stored under this name before or after; undefined where none
   * is. It says nothing about the value, and may travel.
   */
  versionOf(name: string): Promise<string | undefined>;
  /** Removes a value; whether there was one. */
  remove(name: string): Promise<boolean>;
  /**
   * Notes, by a keyed hash, for whom a value is used, unless it is noted for another already: then returns that other.
   * `insteadOf` names an owner that gives way. The same claim made twice is one.
   */
  claim(value: Secret, owner: string, insteadOf?: string): Promise<string | undefined>;
  /** The names there are, sorted. */
  list(): Promise<string[]>;
}
