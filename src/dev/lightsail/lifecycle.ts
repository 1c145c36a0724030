import { discharge, charge, detachedAddressRate } from './bill.js';
import type { MachineBody } from './body.js';
import type { Paces } from './call.js';
import { blueprintOf, bundleOf } from './catalogue.js';
import type { Machine, Region } from './state.js';

/** Brings every machine of a region to where time has brought it: nothing else moves them on. */
export async function advance(region: Region, body: MachineBody, paces: Paces): Promise<void> {
  for (const machine of region.all('Instance')) {
    while (machine.until !== undefined && Date.now() >= machine.until) await next(region, machine, body, paces);
    if (machine.phase === 'running') await readdress(region, machine, body);
  }
}

async function next(
  region: Region,
  machine: Machine,
  body: MachineBody,
  { lingerMs, addressMs }: Paces,
): Promise<void> {
  const over = machine.until ?? Date.now();
  delete machine.until;
  switch (machine.phase) {
    case 'pending':
      if (machine.failure === undefined) return run(region, machine, body, over + addressMs);
      operationOf(region, machine, 'Failed', machine.failure);
      return gone(region, machine, over);
    case 'stopping':
      await body.stop(machine.id);
      machine.phase = 'stopped';
      return;
    case 'shutting-down':
      await body.delete(machine.id);
      return gone(region, machine, over + lingerMs);
    case 'gone':
      return region.drop(machine.name);
    case 'running':
    case 'stopped':
  }
}

async function run(region: Region, machine: Machine, body: MachineBody, addressFrom: number): Promise<void> {
  const { ramSizeInGb, diskSizeInGb } = bundleOf(machine.bundleId);
  const key = region.all('KeyPair').find(({ name }) => name === machine.keyPairName);
  await body.create({
    id: machine.id,
    name: machine.name,
    launchScript: machine.launchScript,
    login: blueprintOf(machine.blueprintId).login,
    keys: key ? [key.publicKey] : [],
    memoryMb: ramSizeInGb * 1024,
    diskGb: diskSizeInGb,
  });
  await body.start(machine.id);
  machine.phase = 'running';
  machine.addressFrom = addressFrom;
  await readdress(region, machine, body);
  operationOf(region, machine, 'Succeeded');
}

/** The address that a machine has: the static one that is attached to it, or what it got when it was switched on; without power it keeps it. */
export async function readdress(region: Region, machine: Machine, body: MachineBody): Promise<void> {
  const attached = region.all('StaticIp').find(({ attachedTo }) => attachedTo === machine.name);
  const address = attached ? await body.attach(machine.id, attached.ipAddress) : await body.address(machine.id);
  if (address !== undefined) machine.address = address;
}

/** A machine that has gone leaves its static address behind, which costs from now on, and for a while its name. */
function gone(region: Region, machine: Machine, freeAt: number): void {
  machine.phase = 'gone';
  machine.until = freeAt;
  discharge(region, 'machine', machine.name);
  for (const address of region.all('StaticIp').filter(({ attachedTo }) => attachedTo === machine.name)) {
    delete address.attachedTo;
    charge(region, 'address', address.name, detachedAddressRate);
  }
}

function operationOf(region: Region, { operation }: Machine, status: 'Succeeded' | 'Failed', why?: string): void {
  const noted = region.operations.find(({ id }) => id === operation);
  if (!noted) return;
  noted.status = status;
  if (why !== undefined) Object.assign(noted, { errorCode: 'InternalFailure', errorDetails: why });
}
