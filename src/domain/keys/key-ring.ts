import { NotYet } from '../errors.js';
import type { Gateway } from '../gateway/gateway.js';
import type { Secret } from '../secret.js';
import { gatewayToken, operatorDevice, type Device, type MasterKey } from './token.js';

/**
 * The master keys that are here, newest first. They are read anew when a missing one is wanted, so a worker learns a
 * next key while it runs.
 */
export class KeyRing {
  readonly #first: string;
  readonly #read: () => readonly MasterKey[];
  readonly #readRetired: () => readonly MasterKey[];
  #known: readonly MasterKey[] = [];

  /** `first` is the deployment's first key, which a record without a key id means. */
  constructor(first: string, read: () => readonly MasterKey[], readRetired: () => readonly MasterKey[] = () => []) {
    this.#first = first;
    this.#read = read;
    this.#readRetired = readRetired;
  }

  /**
   * The key that this gateway's token and creel's device are derived from. A missing one is `NotYet`: another worker
   * may have it.
   */
  of(gateway: Pick<Gateway, 'mark' | 'keyId'>): MasterKey {
    const id = this.idOf(gateway);
    const found = this.#find(id) ?? this.#findAnew(id);
    if (found) return found;
    throw new NotYet(
      `gateway ${gateway.mark.gateway} is derived from master key ${id}, which this worker has not (it has ${this.#ids()}). Copy its file here, mode 0600; see docs/runbook.md#key-rotation`,
    );
  }

  /** The gateway token of the record. */
  token(gateway: Gateway): Secret {
    return gatewayToken(this.of(gateway), gateway.mark, gateway.tokenGeneration);
  }

  /** creel's own device of the record. */
  device(gateway: Gateway): Device {
    return operatorDevice(this.of(gateway), gateway.mark, gateway.deviceGeneration);
  }

  /** The id of the key that a gateway's record means. */
  idOf({ keyId }: Pick<Gateway, 'keyId'>): string {
    return keyId ?? this.#first;
  }

  /** A key as a record names it: the first one goes unnamed. */
  nameOf({ id }: MasterKey): string | undefined {
    return id === this.#first ? undefined : id;
  }

  /** Every key that is here now, newest first. */
  all(): readonly MasterKey[] {
    this.#known = this.#read();
    return this.#known;
  }

  /** Keys that nothing is derived from any more, as far as they are still here. */
  retired(): readonly MasterKey[] {
    return this.#readRetired();
  }

  #find(id: string): MasterKey | undefined {
    return this.#known.find((each) => each.id === id);
  }

  #findAnew(id: string): MasterKey | undefined {
    this.all();
    return this.#find(id);
  }

  #ids(): string {
    return this.#known.map(({ id }) => id).join(', ') || 'none';
  }
}
