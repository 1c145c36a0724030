import { NotYet } from '../errors.js';
import type { Machine } from '../hosts/machine.js';

/** What a record says of the machine of a gateway that is ready; `size` is undefined where nobody asked for one. */
export type RecordedMachine = {
  readonly machine: string;
  readonly region: string;
  readonly size: string | undefined;
};

/**
 * In what the machine of a gateway is not as recorded, in words for people; nothing where it is. One that comes or goes
 * at this moment says nothing yet (`NotYet`).
 */
export function machineDriftsOf(
  { machine, region, size }: RecordedMachine,
  found: Pick<Machine, 'state' | 'size'> | undefined,
): string[] {
  if (!found || found.state === 'ending') return [`machine ${machine} is gone from ${region}, with the state on it`];
  if (found.state === 'pending' || found.state === 'stopping')
    throw new NotYet(`machine ${machine} in ${region} is ${found.state}`);
  const drifts =
    found.state === 'running' ? [] : [`machine ${machine} does not run (${found.state}), and costs as before`];
  if (size !== undefined && found.size !== size)
    drifts.push(`machine ${machine} is of size ${found.size}, and ${size} is on record`);
  return drifts;
}
