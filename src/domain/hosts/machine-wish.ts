import { Refused } from '../errors.js';

/** The machine of its own that a gateway is to stand on; it never changes in a life. */
export type MachineWish = {
  readonly provider: 'lightsail';
  readonly region: string;
  /** One of the provider's; the cheapest that carries the gateway when absent. */
  readonly size?: string;
  /** An address that outlives a stop of the machine. */
  readonly address?: 'static';
};

const known = ['provider', 'region', 'size', 'address'];
const regionForm = /^[a-z]{2}(?:-[a-z]+)+-\d$/;
const sizeForm = /^[a-z0-9][a-z0-9_.-]{1,40}$/;

/** A machine as somebody asks for it, or `Refused`. Whether there is such a region and size, only its provider knows. */
export function machineWish(raw: unknown): MachineWish {
  const { provider, region, size, address, ...odd } = Object(raw) as Record<string, unknown>;
  if (typeof raw !== 'object' || Array.isArray(raw) || Object.keys(odd).length > 0)
    throw new Refused(`spec machine takes ${known.join(', ')}`);
  if (provider !== 'lightsail')
    throw new Refused(`machine provider ${JSON.stringify(provider)} is unknown: it must be "lightsail"`);
  if (typeof region !== 'string' || !regionForm.test(region))
    throw new Refused(`machine region ${JSON.stringify(region)} is no region. For example: "eu-central-1"`);
  if (size !== undefined && (typeof size !== 'string' || !sizeForm.test(size)))
    throw new Refused(`machine size ${JSON.stringify(size)} is no size. For example: "medium_3_0"`);
  if (address !== undefined && address !== 'static')
    throw new Refused(`machine address ${JSON.stringify(address)} must be "static", or left out`);
  return { provider, region, ...(size !== undefined && { size }), ...(address !== undefined && { address }) };
}

/** A machine as people read it: `lightsail eu-central-1, size medium_3_0, static address`. */
export function machineText(machine: MachineWish | undefined): string {
  if (machine === undefined) return 'none';
  const { provider, region, size, address } = machine;
  return [
    `${provider} ${region}`,
    ...(size === undefined ? [] : [`size ${size}`]),
    ...(address === undefined ? [] : [`${address} address`]),
  ].join(', ');
}
