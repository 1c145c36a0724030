import type { Instance, InstanceSnapshot, KeyPair, StaticIp } from '@aws-sdk/client-lightsail';
import { readMark } from '../../domain/gateway/gateway.js';
import { readFleetKeyName } from '../../domain/hosts/fleet-key.js';
import { addressUsd, snapshotUsd, type Held } from '../../domain/hosts/held.js';
import { readAddressName } from '../../domain/hosts/machine.js';
import { machineOf } from './machine.js';
import { labelsOf } from './marks.js';

/** What every thing of Lightsail's says of itself. */
type Thing = {
  readonly name?: string | undefined;
  readonly arn?: string | undefined;
  readonly createdAt?: Date | undefined;
};

/** A machine, by the prices of all sizes, also of those that are sold no more. */
export function heldMachine(instance: Instance, prices: ReadonlyMap<string, number>): Held {
  const { size, state } = machineOf(instance);
  return { ...marked('machine', instance, labelsOf(instance.tags)), monthlyUsd: prices.get(size), state, size };
}

/** An address carries no mark beside its name. */
export function heldAddress(address: StaticIp): Held {
  const mark = readAddressName(address.name ?? '');
  const isAttached = address.isAttached === true;
  return { ...of('address', address), mark, deployment: mark?.deployment, monthlyUsd: addressUsd(isAttached) };
}

export function heldSnapshot(snapshot: InstanceSnapshot): Held {
  const { tags, sizeInGb } = snapshot;
  const monthlyUsd = sizeInGb === undefined ? undefined : snapshotUsd(sizeInGb);
  return { ...marked('snapshot', snapshot, labelsOf(tags)), monthlyUsd };
}

/** A key says whose it is in its name. */
export function heldKey(key: KeyPair): Held {
  const deployment = readFleetKeyName(key.name ?? '')?.deployment;
  return { ...of('key', key), mark: undefined, deployment, monthlyUsd: 0 };
}

function marked(kind: Held['kind'], thing: Thing, labels: ReturnType<typeof labelsOf>) {
  const mark = readMark(labels);
  return { ...of(kind, thing), mark, deployment: mark?.deployment ?? labels['creel.deployment'] };
}

function of(kind: Held['kind'], { name = '', arn = '', createdAt }: Thing) {
  return { kind, name, id: arn, createdAt: createdAt?.getTime() ?? 0 };
}
