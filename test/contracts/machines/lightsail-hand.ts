import {
  CreateInstanceSnapshotCommand,
  GetInstancePortStatesCommand,
  LightsailClient,
  StopInstanceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-lightsail';
import { vi } from 'vitest';
import { LightsailMachines } from '../../../src/adapters/lightsail/machine-provider.js';
import { markLabels } from '../../../src/domain/gateway/gateway.js';
import { machineNames } from '../../../src/domain/hosts/machine.js';
import { LightsailStandIn } from '../../../src/dev/lightsail/stand-in.js';
import { mark, region, type Seller } from './machine-contract.js';

/** What makes, changes or removes something. */
const changing = [
  'CreateInstances',
  'DeleteInstance',
  'AllocateStaticIp',
  'AttachStaticIp',
  'ReleaseStaticIp',
  'ImportKeyPair',
  'DeleteKeyPair',
  'PutInstancePublicPorts',
  'UpdateInstanceMetadataOptions',
];

/** The AWS SDK of this process asks the stand-in, with nobody's credentials. */
export function useStandIn(standIn: LightsailStandIn): void {
  for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(standIn.environment)) vi.stubEnv(name, value);
}

/** A stand-in of Lightsail as the contract knows a seller: creel asks by its adapter, the others by the SDK. */
export function lightsailSeller(standIn: LightsailStandIn): Seller {
  useStandIn(standIn);
  const hand = new LightsailClient({ region, maxAttempts: 1 });
  const tagsOf = (of: typeof mark | undefined) =>
    Object.entries(of ? markLabels(of) : {}).map(([key, value]) => ({ key, value }));
  return {
    ask: () => new LightsailMachines(() => undefined),
    loseAnswers: async (times) => {
      standIn.faults.clear();
      for (const call of changing) standIn.faults.plan(call, { kind: 'lost' }, times);
    },
    holdUp: async () => standIn.holdUp(),
    letGo: () => standIn.letGo(),
    allow: ({ largestMb, isSetUp, ...quotas }) =>
      standIn.allow({
        ...quotas,
        ...(largestMb !== undefined && { largestGb: largestMb / 1_024 }),
        ...(isSetUp !== undefined && { setup: isSetUp ? 'done' : 'in progress' }),
      }),
    occupy: (name) => standIn.occupy(region, 'Disk', name),
    stopByHand: async ({ mark }) => {
      await hand.send(new StopInstanceCommand({ instanceName: machineNames(mark).machine }));
    },
    remark: async (resourceName, theirs) => {
      await hand.send(new UntagResourceCommand({ resourceName, tagKeys: Object.keys(markLabels(mark)) }));
      await hand.send(new TagResourceCommand({ resourceName, tags: tagsOf(theirs) }));
    },
    snapshot: async (instanceSnapshotName, theirs) => {
      const from = { instanceName: machineNames(mark).machine, tags: tagsOf(theirs) };
      await hand.send(new CreateInstanceSnapshotCommand({ instanceSnapshotName, ...from }));
    },
    firewallOf: async (at) => {
      const instanceName = machineNames(at.mark).machine;
      const { portStates } = await hand.send(new GetInstancePortStatesCommand({ instanceName }));
      return { rules: (portStates ?? []).map(({ fromPort = 0, cidrs = [] }) => ({ port: fromPort, from: cidrs })) };
    },
    costing: async () => (await standIn.costing()).map(({ name }) => name),
  };
}
