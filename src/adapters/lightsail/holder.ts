import { NotYet } from '../../domain/errors.js';
import type { Lightsail, Request } from './ask.js';
import { foreign } from './marks.js';

/** Which kinds of things a region's one namespace holds beside machines, and how each is asked for. */
const kinds: readonly [string, string, (name: string) => Request<unknown>][] = [
  [
    'address',
    'GetStaticIp',
    (staticIpName) => (client, sdk, options) => client.send(new sdk.GetStaticIpCommand({ staticIpName }), options),
  ],
  [
    'key',
    'GetKeyPair',
    (keyPairName) => (client, sdk, options) => client.send(new sdk.GetKeyPairCommand({ keyPairName }), options),
  ],
  [
    'snapshot',
    'GetInstanceSnapshot',
    (instanceSnapshotName) => (client, sdk, options) =>
      client.send(new sdk.GetInstanceSnapshotCommand({ instanceSnapshotName }), options),
  ],
  [
    'disk',
    'GetDisk',
    (diskName) => (client, sdk, options) => client.send(new sdk.GetDiskCommand({ diskName }), options),
  ],
  [
    'load balancer',
    'GetLoadBalancer',
    (loadBalancerName) => (client, sdk, options) =>
      client.send(new sdk.GetLoadBalancerCommand({ loadBalancerName }), options),
  ],
  [
    'machine',
    'GetInstance',
    (instanceName) => (client, sdk, options) => client.send(new sdk.GetInstanceCommand({ instanceName }), options),
  ],
];

/**
 * Why a name cannot be had although nothing of the wanted kind bears it: something of another kind does, which is
 * `Foreign`, or what bears it is not to be seen yet or any more, which is `NotYet`.
 */
export async function whyTaken(lightsail: Lightsail, region: string, name: string, wanted: string): Promise<Error> {
  for (const [kind, call, by] of kinds) {
    if (kind === wanted) continue;
    if ((await lightsail.find(region, call, name, by(name))) !== undefined) return foreign(kind, name);
  }
  return new NotYet(`${wanted} ${name} in ${region}: the name is in use, and what bears it cannot be seen yet`);
}
