import { readMark } from '../../domain/gateway/gateway.js';
import { readFleetKeyName } from '../../domain/hosts/fleet-key.js';
import { readAddressName } from '../../domain/hosts/machine.js';
import type { Held } from '../../ports/machine-provider.js';
import { labelsOf } from './marks.js';

/** What every thing of Lightsail's says of itself. */
type Thing = {
  readonly name?: string | undefined;
  readonly arn?: string | undefined;
  readonly createdAt?: Date | undefined;
  readonly tags?: Parameters<typeof labelsOf>[0];
};

/** Things of one kind as what a region holds: an address and a key are marked by their names, the others by tags. */
export function heldOf(kind: Held['kind'], things: readonly Thing[]): Held[] {
  return things.map(({ name = '', arn = '', createdAt, tags }) => {
    const mark = kind === 'address' ? readAddressName(name) : readMark(labelsOf(tags));
    const deployment = mark?.deployment ?? (kind === 'key' ? readFleetKeyName(name)?.deployment : undefined);
    return { kind, name, id: arn, deployment, mark, createdAt: createdAt?.getTime() ?? 0 };
  });
}
