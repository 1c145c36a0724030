import type { Mark } from '../gateway/gateway.js';
import { machineNames } from './machine.js';
import type { MachineWish } from './machine-wish.js';

/** The engine, on a host, on which a gateway stands. */
export type Place = {
  /** `local`: a host with a worker beside it, or over SSH. Any other: a machine of the gateway's own, bought there. */
  readonly provider: 'local' | MachineWish['provider'];
  readonly host: string;
  /** Where the provider has the machine. */
  readonly region?: string;
  /** The engine's own id; absent until the first operation has found it, and in older records. */
  readonly engine?: string;
  /** What it takes there is promised by the ledger, which is told when that changes. */
  readonly promised?: true;
};

/** Whether a place is a machine of a gateway's own, which any worker reaches. */
export function isMachine({ provider }: Pick<Place, 'provider'>): boolean {
  return provider !== 'local';
}

/** Where a life begins: on the machine of its own that its spec asks for, else where it was asked to. */
export function placeFor(mark: Mark, machine: MachineWish | undefined, asked: Place): Place {
  if (!machine) return asked;
  return { provider: machine.provider, host: machineNames(mark).machine, region: machine.region };
}
