import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { invalid, LightsailError, wireTime } from './answer.js';
import { charge, detachedAddressRate, discharge } from './bill.js';
import { handler, operationView, pageOf, type Call, type Handler } from './call.js';
import { readdress } from './lifecycle.js';
import type { Address } from './state.js';

const named = z.object({ staticIpName: z.string() });

export const addressCalls: Readonly<Record<string, Handler>> = {
  AllocateStaticIp: handler(named, (call, { staticIpName }) => {
    const { region } = call;
    const base = region.base('StaticIp', staticIpName);
    const { addresses } = region.account;
    if (region.all('StaticIp').length >= addresses)
      throw invalid(`Sorry, you've reached the maximum limit of Lightsail Static IPs : ${addresses}.`);
    region.put({ ...base, kind: 'StaticIp', ipAddress: `203.0.113.${randomInt(1, 255)}` });
    charge(region, 'address', staticIpName, detachedAddressRate);
    return done(call, staticIpName, 'AllocateStaticIp');
  }),
  AttachStaticIp: handler(z.object({ ...named.shape, instanceName: z.string() }), attach),
  DetachStaticIp: handler(named, async (call, { staticIpName }) => {
    await detach(call, call.region.get('StaticIp', staticIpName));
    return done(call, staticIpName, 'DetachStaticIp');
  }),
  ReleaseStaticIp: handler(named, async (call, { staticIpName }) => {
    const { region } = call;
    const address = region.get('StaticIp', staticIpName);
    if (address.attachedTo !== undefined) await detach(call, address);
    region.drop(staticIpName);
    discharge(region, 'address', staticIpName);
    return done(call, staticIpName, 'ReleaseStaticIp');
  }),
  GetStaticIp: handler(named, ({ region }, { staticIpName }) => ({
    staticIp: addressView(region.get('StaticIp', staticIpName)),
  })),
  GetStaticIps: handler(z.object({ pageToken: z.string().optional() }), ({ region }, { pageToken }) => {
    const { page, next } = pageOf(region.all('StaticIp'), pageToken);
    return { staticIps: page.map(addressView), ...next };
  }),
};

async function attach(call: Call, input: { staticIpName: string; instanceName: string }): Promise<unknown> {
  const { region, body } = call;
  const address = region.get('StaticIp', input.staticIpName);
  const machine = region.get('Instance', input.instanceName);
  if (machine.phase !== 'running')
    throw new LightsailError(
      'OperationFailureException',
      `The instance ${machine.name} is ${machine.phase}, not running`,
    );
  if (address.attachedTo !== undefined && address.attachedTo !== machine.name)
    throw invalid(`The static IP is attached already: ${address.name}`);
  address.attachedTo = machine.name;
  discharge(region, 'address', address.name);
  await readdress(region, machine, body);
  return done(call, address.name, 'AttachStaticIp');
}

async function detach({ region, body }: Call, address: Address): Promise<void> {
  const machine = region.all('Instance').find(({ name }) => name === address.attachedTo);
  if (address.attachedTo === undefined) throw invalid(`The static IP is not attached: ${address.name}`);
  delete address.attachedTo;
  charge(region, 'address', address.name, detachedAddressRate);
  if (machine) await readdress(region, machine, body);
}

function done({ region }: Call, name: string, type: string): unknown {
  return { operations: [operationView(region.note('StaticIp', name, type, 'Succeeded'), region.name)] };
}

function addressView({ name, arn, createdAt, ipAddress, attachedTo }: Address): unknown {
  const attached = attachedTo === undefined ? {} : { attachedTo };
  return { name, arn, createdAt: wireTime(createdAt), ipAddress, isAttached: attachedTo !== undefined, ...attached };
}
