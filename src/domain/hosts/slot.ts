import { Refused } from '../errors.js';

/** Where the gateways of one host get their subnets and ports: the n-th subnet goes with the n-th port. */
export type Pool = {
  /** For example `10.213.0.0/16`. Docker's own pools are used up after some thirty networks. */
  readonly cidr: string;
  /** The prefix length of each gateway's subnet, for example 28. */
  readonly prefix: number;
  readonly firstPort: number;
};

/** A subnet and its port. No two gateways share one, because an engine refuses overlapping subnets. */
export type Slot = { readonly subnet: string; readonly port: number };

/** A network that a host reaches through one of its interfaces. */
export type Route = { readonly cidr: string; readonly device: string };

/** The route of the host, if any, that a subnet would hide: what lies behind it would become unreachable. */
export function hiddenRoute(subnet: string, routes: readonly Route[]): Route | undefined {
  return routes.find(({ cidr }) => overlap(subnet, cidr));
}

/** Whether two networks have an address in common. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [range(one), range(other)];
  return a.first <= b.last && b.first <= a.last;
}

function range(cidr: string): { first: number; last: number } {
  const [address = '', length = ''] = cidr.split('/');
  const size = 2 ** (32 - Number(length));
  const base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const first = base - (base % size);
  return { first, last: first + size - 1 };
}

/** How many slots a pool has: the smaller of its numbers of subnets and ports. */
export function slotCount(pool: Pool): number {
  const { length } = parse(pool.cidr);
  return Math.min(2 ** (pool.prefix - length), 65_536 - pool.firstPort);
}

/** The n-th slot of a pool. */
export function slot(pool: Pool, index: number): Slot {
  const { base } = parse(pool.cidr);
  const address = base + index * 2 ** (32 - pool.prefix);
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
  return { subnet: `${octets.join('.')}/${pool.prefix}`, port: pool.firstPort + index };
}

/**
 * The order in which one gateway tries the slots: once around, from a place that its name decides. Two attempts for one
 * gateway try the same slot first, and the engine lets only one have it.
 */
export function* slotsFor(pool: Pool, name: string): Generator<Slot> {
  const count = slotCount(pool);
  const first = hash(name) % count;
  for (let step = 0; step < count; step += 1) yield slot(pool, (first + step) % count);
}

/** A pool as configured, or `Refused`. */
export function slotPool(pool: Pool): Pool {
  const { base, length } = parse(pool.cidr);
  if (pool.prefix <= length || pool.prefix > 29 || base % 2 ** (32 - length) !== 0) {
    throw new Refused(
      `subnet pool ${pool.cidr} cannot be cut into /${pool.prefix}: the pool must start on its own boundary, and the prefix lie between ${length + 1} and 29`,
    );
  }
  if (!Number.isInteger(pool.firstPort) || pool.firstPort < 1024 || pool.firstPort > 65_000) {
    throw new Refused(`first gateway port ${pool.firstPort} must lie between 1024 and 65000`);
  }
  return pool;
}

function parse(cidr: string): { base: number; length: number } {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  const octets = match?.slice(1, 5).map(Number) ?? [];
  const length = Number(match?.[5]);
  if (octets.length !== 4 || octets.some((octet) => octet > 255) || !(length >= 8 && length <= 28)) {
    throw new Refused(`subnet pool ${JSON.stringify(cidr)} is not a network like 10.213.0.0/16`);
  }
  return { base: octets.reduce((sum, octet) => sum * 256 + octet, 0), length };
}

/** FNV-1a: it only spreads the starting points, and nothing depends on its quality. */
function hash(text: string): number {
  let value = 2_166_136_261;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 16_777_619) >>> 0;
  return value;
}
