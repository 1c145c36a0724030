import type { Mark } from '../gateway/gateway.js';
import type { Machine } from './machine.js';

/** Something that costs money or holds a name in a region of a seller of machines. */
export type Held = {
  readonly kind: 'machine' | 'address' | 'snapshot' | 'key';
  readonly name: string;
  /** The provider's own id. */
  readonly id: string;
  /** Which deployment made it, by its mark or, of addresses and keys, its name. Undefined when nothing says that creel did. */
  readonly deployment: string | undefined;
  /** Which life of which gateway it belongs to; undefined for a key, and for what creel did not make. */
  readonly mark: Mark | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** What it costs in a month of 31 days, as it is now, by the provider's own prices; undefined where they say nothing. */
  readonly monthlyUsd: number | undefined;
  /** Of a machine: its state. */
  readonly state?: Machine['state'];
  /** Of a machine: what it was bought as. */
  readonly size?: string;
};

/** Lightsail bills by the hour, and a month as one of 31 days. */
const hoursOfMonth = 744;

/** An address costs while it is attached to nothing: 0.005 USD an hour (lightsail-and-docker A7). */
export function addressUsd(isAttached: boolean): number {
  return isAttached ? 0 : 0.005 * hoursOfMonth;
}

/** A snapshot costs 0.05 USD for each GB and month. */
export function snapshotUsd(sizeGb: number): number {
  return 0.05 * sizeGb;
}

/** An amount for people, in cents at the finest. */
export function usdText(usd: number): string {
  return `${Math.round(usd * 100) / 100} USD`;
}
