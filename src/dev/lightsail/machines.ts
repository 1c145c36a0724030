import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { invalid, LightsailError, wireTime } from './answer.js';
import { charge, machineRate } from './bill.js';
import { handler, operationView, pageOf, type Call, type Handler } from './call.js';
import { blueprintOf, bundleOf, zonesOf } from './catalogue.js';
import { readdress } from './lifecycle.js';
import { isSeen, type Machine, type Region } from './state.js';

const tags = z.array(z.object({ key: z.string(), value: z.string().default('') })).max(50);
const named = z.object({ instanceName: z.string() });

/** The most that a launch script may have. */
const launchScriptBytes = 16_384;

const order = z.object({
  instanceNames: z.array(z.string()).min(1),
  availabilityZone: z.string(),
  blueprintId: z.string(),
  bundleId: z.string(),
  userData: z.string().default(''),
  keyPairName: z.string().optional(),
  tags: tags.default([]),
  ipAddressType: z.enum(['dualstack', 'ipv4', 'ipv6']).default('dualstack'),
});

/** What is open in the beginning, and to whom. */
const firstPorts = [22, 80].map((port) => ({
  fromPort: port,
  toPort: port,
  protocol: 'tcp',
  cidrs: ['0.0.0.0/0'],
}));

export const machineCalls: Readonly<Record<string, Handler>> = {
  CreateInstances: handler(order, (call, input) => ({
    operations: input.instanceNames.map((name) => create(call, input, name)),
  })),
  GetInstance: handler(named, ({ region }, { instanceName }) => ({
    instance: machineView(region, region.get('Instance', instanceName)),
  })),
  GetInstanceState: handler(named, ({ region }, { instanceName }) => ({
    state: stateView(region.get('Instance', instanceName)),
  })),
  GetInstances: handler(z.object({ pageToken: z.string().optional() }), ({ region }, { pageToken }) => {
    const { page, next } = pageOf(region.all('Instance').filter(isSeen), pageToken);
    return { instances: page.map((each) => machineView(region, each)), ...next };
  }),
  StartInstance: handler(named, start),
  StopInstance: handler(named, stop),
  RebootInstance: handler(named, async (call, { instanceName }) => {
    const machine = demandPhase(call, instanceName, 'running');
    await call.body.stop(machine.id);
    await call.body.start(machine.id);
    await readdress(call.region, machine, call.body);
    return done(call, instanceName, 'RebootInstance');
  }),
  DeleteInstance: handler(named, (call, { instanceName }) => {
    const machine = call.region.get('Instance', instanceName);
    if (machine.phase === 'pending')
      throw new LightsailError('OperationFailureException', `The instance is being created: ${instanceName}`);
    machine.phase = 'shutting-down';
    machine.until = Date.now() + call.paces.deleteMs;
    return done(call, instanceName, 'DeleteInstance');
  }),
  UpdateInstanceMetadataOptions: handler(
    z.object({ ...named.shape, httpTokens: z.string(), httpPutResponseHopLimit: z.number() }),
    (call, { instanceName, httpTokens, httpPutResponseHopLimit }) => {
      const machine = demandPhase(call, instanceName, 'running');
      machine.isFenced = httpTokens === 'required' && httpPutResponseHopLimit === 1;
      return { operation: done(call, instanceName, 'UpdateInstanceMetadataOptions').operations[0] };
    },
  ),
  GetInstanceAccessDetails: handler(named, accessDetails),
};

function create(call: Call, input: z.infer<typeof order>, name: string): unknown {
  const { region, paces } = call;
  const base = region.base('Instance', name);
  demandAllowed(call, input);
  const operation = region.note('Instance', name, 'CreateInstance', 'Started', input.availabilityZone);
  const ipv6Cidrs = input.ipAddressType === 'ipv4' ? [] : ['::/0'];
  region.put({
    ...base,
    kind: 'Instance',
    id: randomUUID(),
    zone: input.availabilityZone,
    launchScript: input.userData,
    bundleId: input.bundleId,
    blueprintId: input.blueprintId,
    tags: input.tags,
    ...(input.keyPairName !== undefined && { keyPairName: input.keyPairName }),
    phase: 'pending',
    until: base.createdAt + paces.pendingMs,
    seenFrom: base.createdAt + paces.unseenMs,
    addressFrom: Number.MAX_SAFE_INTEGER,
    isFenced: false,
    ports: firstPorts.map((each) => ({ ...each, ipv6Cidrs })),
    operation: operation.id,
  });
  charge(region, 'machine', name, machineRate(input.bundleId));
  return operationView(operation, region.name);
}

/** What Lightsail turns an order down for. */
function demandAllowed({ region }: Call, input: z.infer<typeof order>): void {
  if (!zonesOf(region.name).includes(input.availabilityZone))
    throw invalid(`Availability Zone ${input.availabilityZone} is not valid in region ${region.name}`);
  if (Buffer.byteLength(input.userData) > launchScriptBytes) throw invalid('User data is limited to 16384 bytes');
  const { ramSizeInGb } = bundleOf(input.bundleId);
  blueprintOf(input.blueprintId);
  if (input.keyPairName !== undefined) region.get('KeyPair', input.keyPairName);
  const { machines, largestGb, fullZones } = region.account;
  if (ramSizeInGb > largestGb)
    throw invalid(
      'Sorry, your account can not create an instance using this Lightsail plan size. Please try a smaller plan size or contact Customer Support if you need to use this plan.',
    );
  if (region.all('Instance').filter(({ phase }) => phase !== 'gone').length >= machines)
    throw invalid(`Sorry, you've reached your maximum limit of Lightsail Instances : ${machines}.`);
  if (fullZones.includes(input.availabilityZone))
    throw invalid(
      `We do not have sufficient capacity in the Availability Zone you requested: ${input.availabilityZone}`,
    );
}

async function start(call: Call, { instanceName }: z.infer<typeof named>): Promise<unknown> {
  const machine = demandPhase(call, instanceName, 'stopped');
  await call.body.start(machine.id);
  machine.phase = 'running';
  machine.addressFrom = Date.now() + call.paces.addressMs;
  await readdress(call.region, machine, call.body);
  return done(call, instanceName, 'StartInstance');
}

function stop(call: Call, { instanceName }: z.infer<typeof named>): unknown {
  const machine = demandPhase(call, instanceName, 'running');
  machine.phase = 'stopping';
  machine.until = Date.now() + call.paces.stopMs;
  delete machine.address;
  return done(call, instanceName, 'StopInstance');
}

async function accessDetails({ region, body }: Call, { instanceName }: z.infer<typeof named>): Promise<unknown> {
  const machine = region.get('Instance', instanceName);
  const { login } = blueprintOf(machine.blueprintId);
  const keys = isAddressed(machine) ? await body.hostKeys(machine.id) : [];
  const hostKeys = keys.map((key) => ({ ...key, witnessedAt: wireTime(machine.createdAt) }));
  const secrets = { privateKey: 'nobody may see this', certKey: 'nor this' };
  const expiresAt = wireTime(Date.now() + 60_000);
  return {
    accessDetails: {
      instanceName,
      protocol: 'ssh',
      username: login,
      ipAddress: machine.address,
      expiresAt,
      hostKeys,
      ...secrets,
    },
  };
}

function demandPhase({ region }: Call, name: string, phase: Machine['phase']): Machine {
  const machine = region.get('Instance', name);
  if (machine.phase === phase) return machine;
  throw new LightsailError('OperationFailureException', `The instance ${name} is ${machine.phase}, not ${phase}`);
}

function done({ region }: Call, name: string, type: string): { operations: unknown[] } {
  return { operations: [operationView(region.note('Instance', name, type, 'Succeeded'), region.name)] };
}

const codes = { pending: 0, running: 16, 'shutting-down': 32, gone: 48, stopping: 64, stopped: 80 };

function stateView({ phase }: Machine): unknown {
  return { code: codes[phase], name: phase === 'gone' ? 'terminated' : phase };
}

function isAddressed({ phase, addressFrom }: Machine): boolean {
  return phase === 'running' && Date.now() >= addressFrom;
}

function machineView(region: Region, machine: Machine): unknown {
  const { ramSizeInGb, cpuCount } = bundleOf(machine.bundleId);
  return {
    name: machine.name,
    arn: machine.arn,
    createdAt: wireTime(machine.createdAt),
    tags: machine.tags,
    resourceType: 'Instance',
    blueprintId: machine.blueprintId,
    bundleId: machine.bundleId,
    location: { availabilityZone: machine.zone, regionName: region.name },
    isStaticIp: region.all('StaticIp').some(({ attachedTo }) => attachedTo === machine.name),
    ...(isAddressed(machine) && { publicIpAddress: machine.address }),
    hardware: { cpuCount, ramSizeInGb },
    state: stateView(machine),
    username: blueprintOf(machine.blueprintId).login,
    sshKeyName: machine.keyPairName ?? 'LightsailDefaultKeyPair',
    metadataOptions: {
      state: 'applied',
      httpEndpoint: 'enabled',
      httpTokens: machine.isFenced ? 'required' : 'optional',
      httpPutResponseHopLimit: machine.isFenced ? 1 : 2,
    },
  };
}
