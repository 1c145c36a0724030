import { z } from 'zod';
import { invalid, missing, wireTime } from './answer.js';
import { charge, discharge, snapshotRate } from './bill.js';
import { handler, operationView, pageOf, type Call, type Handler } from './call.js';
import { blueprints, bundleOf, bundles, regions, zonesOf } from './catalogue.js';
import type { Thing } from './state.js';

const paged = z.object({ pageToken: z.string().optional() });
const keyed = z.object({ keyPairName: z.string() });
const snapped = z.object({ instanceSnapshotName: z.string() });
const machineNamed = z.object({ instanceName: z.string() });
const tags = z.array(z.object({ key: z.string(), value: z.string().default('') })).max(50);

/** What is for sale, and where. */
export const offerCalls: Readonly<Record<string, Handler>> = {
  GetRegions: () => ({
    regions: Object.keys(regions).map((name) => ({
      name,
      availabilityZones: zonesOf(name).map((zoneName) => ({ zoneName, state: 'available' })),
    })),
  }),
  GetBundles: handler(paged, (_call, { pageToken }) => {
    const { page, next } = pageOf(bundles, pageToken);
    return { bundles: page, ...next };
  }),
  GetBlueprints: handler(paged, (_call, { pageToken }) => {
    const { page, next } = pageOf(blueprints, pageToken);
    return { blueprints: page.map(({ login: _login, ...told }) => told), ...next };
  }),
};

export const keyCalls: Readonly<Record<string, Handler>> = {
  ImportKeyPair: handler(z.object({ ...keyed.shape, publicKeyBase64: z.string() }), (call, input) => {
    if (!/^ssh-(?:ed25519|rsa) AAAA/.test(input.publicKeyBase64)) throw invalid('The public key is not valid');
    const base = call.region.base('KeyPair', input.keyPairName);
    call.region.put({ ...base, kind: 'KeyPair', publicKey: input.publicKeyBase64, tags: [] });
    return { operation: done(call, 'KeyPair', input.keyPairName, 'ImportKeyPair') };
  }),
  GetKeyPair: handler(keyed, ({ region }, { keyPairName }) => ({ keyPair: view(region.get('KeyPair', keyPairName)) })),
  GetKeyPairs: handler(paged, ({ region }, { pageToken }) => {
    const { page, next } = pageOf(region.all('KeyPair'), pageToken);
    return { keyPairs: page.map(view), ...next };
  }),
  DeleteKeyPair: handler(keyed, (call, { keyPairName }) => {
    call.region.get('KeyPair', keyPairName);
    call.region.drop(keyPairName);
    return { operation: done(call, 'KeyPair', keyPairName, 'DeleteKeyPair') };
  }),
};

export const snapshotCalls: Readonly<Record<string, Handler>> = {
  CreateInstanceSnapshot: handler(
    z.object({ ...snapped.shape, ...machineNamed.shape, tags: tags.default([]) }),
    (call, input) => {
      const { bundleId, blueprintId } = call.region.get('Instance', input.instanceName);
      const base = call.region.base('InstanceSnapshot', input.instanceSnapshotName);
      const sizeInGb = bundleOf(bundleId).diskSizeInGb;
      const from = { from: input.instanceName, bundleId, blueprintId, sizeInGb, tags: input.tags };
      call.region.put({ ...base, ...from, kind: 'InstanceSnapshot' });
      charge(call.region, 'snapshot', base.name, snapshotRate(sizeInGb));
      return { operations: [done(call, 'InstanceSnapshot', base.name, 'CreateInstanceSnapshot')] };
    },
  ),
  GetInstanceSnapshot: handler(snapped, ({ region }, { instanceSnapshotName }) => ({
    instanceSnapshot: snapshotView(region.get('InstanceSnapshot', instanceSnapshotName)),
  })),
  GetInstanceSnapshots: handler(paged, ({ region }, { pageToken }) => {
    const { page, next } = pageOf(region.all('InstanceSnapshot'), pageToken);
    return { instanceSnapshots: page.map(snapshotView), ...next };
  }),
  DeleteInstanceSnapshot: handler(snapped, (call, { instanceSnapshotName }) => {
    call.region.get('InstanceSnapshot', instanceSnapshotName);
    call.region.drop(instanceSnapshotName);
    discharge(call.region, 'snapshot', instanceSnapshotName);
    return { operations: [done(call, 'InstanceSnapshot', instanceSnapshotName, 'DeleteInstanceSnapshot')] };
  }),
};

const portInfo = z.object({
  fromPort: z.number(),
  toPort: z.number(),
  protocol: z.enum(['tcp', 'udp', 'icmp', 'icmpv6', 'all']),
  /** Left out, everybody. */
  cidrs: z.array(z.string()).default(['0.0.0.0/0']),
  ipv6Cidrs: z.array(z.string()).default([]),
});

export const portCalls: Readonly<Record<string, Handler>> = {
  PutInstancePublicPorts: handler(
    z.object({ ...machineNamed.shape, portInfos: z.array(portInfo) }),
    (call, { instanceName, portInfos }) => {
      call.region.get('Instance', instanceName).ports = portInfos;
      return { operation: done(call, 'Instance', instanceName, 'PutInstancePublicPorts') };
    },
  ),
  GetInstancePortStates: handler(machineNamed, ({ region }, { instanceName }) => ({
    portStates: region.get('Instance', instanceName).ports.map((each) => ({ ...each, state: 'open' })),
  })),
};

const resource = z.object({ resourceName: z.string() });

export const operationCalls: Readonly<Record<string, Handler>> = {
  GetOperation: handler(z.object({ operationId: z.string() }), ({ region }, { operationId }) => {
    const found = region.operations.find(({ id }) => id === operationId);
    if (!found) throw missing('Operation', operationId);
    return { operation: operationView(found, region.name) };
  }),
  GetOperationsForResource: handler(
    z.object({ ...resource.shape, ...paged.shape }),
    ({ region }, { resourceName, pageToken }) => {
      const all = region.operations.filter((each) => each.resourceName === resourceName).toReversed();
      const { page, next } = pageOf(all, pageToken);
      return { operations: page.map((each) => operationView(each, region.name)), ...next };
    },
  ),
  GetOperations: handler(paged, ({ region }, { pageToken }) => {
    const { page, next } = pageOf(region.operations.toReversed(), pageToken);
    return { operations: page.map((each) => operationView(each, region.name)), ...next };
  }),
};

/** Tags, and what the stand-in only knows the names of. */
export const tagCalls: Readonly<Record<string, Handler>> = {
  TagResource: handler(z.object({ ...resource.shape, tags }), (call, { resourceName, tags: given }) => {
    const kept = tagged(call, resourceName).tags.filter(({ key }) => given.every((tag) => tag.key !== key));
    tagged(call, resourceName).tags = [...kept, ...given];
    return { operations: [done(call, 'Instance', resourceName, 'TagResource')] };
  }),
  UntagResource: handler(z.object({ ...resource.shape, tagKeys: z.array(z.string()) }), (call, input) => {
    const found = tagged(call, input.resourceName);
    found.tags = found.tags.filter(({ key }) => !input.tagKeys.includes(key));
    return { operations: [done(call, 'Instance', input.resourceName, 'UntagResource')] };
  }),
  GetDisk: handler(z.object({ diskName: z.string() }), ({ region }, { diskName }) => ({
    disk: view(region.get('Disk', diskName)),
  })),
  GetLoadBalancer: handler(z.object({ loadBalancerName: z.string() }), ({ region }, { loadBalancerName }) => ({
    loadBalancer: view(region.get('LoadBalancer', loadBalancerName)),
  })),
};

/** What has tags: a static address has none. */
function tagged({ region }: Call, name: string): Extract<Thing, { tags: unknown }> {
  const all = [...region.all('Instance'), ...region.all('KeyPair'), ...region.all('InstanceSnapshot')];
  const found = all.find((each) => each.name === name);
  if (!found) throw missing('resource', name);
  return found;
}

function done({ region }: Call, resourceType: string, name: string, type: string): unknown {
  return operationView(region.note(resourceType, name, type, 'Succeeded'), region.name);
}

function view(thing: Thing): Record<string, unknown> {
  const own = 'tags' in thing ? { tags: thing.tags } : {};
  return { name: thing.name, arn: thing.arn, createdAt: wireTime(thing.createdAt), resourceType: thing.kind, ...own };
}

function snapshotView(snapshot: Parameters<typeof view>[0] & { readonly sizeInGb: number; readonly from: string }) {
  const { sizeInGb, from } = snapshot;
  return { ...view(snapshot), state: 'available', sizeInGb, fromInstanceName: from };
}
