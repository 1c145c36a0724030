import { channel, type Channel } from './channels.js';
import { Refused } from './errors.js';
import { releaseVersion } from './release.js';
import { memoryCeilingMb, memoryFloorMb } from './thresholds.js';

/** What a customer bought, in the shape that travels: plain JSON, references instead of secrets, units in the names. */
export type GatewaySpec = {
  readonly release: string;
  /** Takes a release that was built on the worker's machine. */
  readonly dev: boolean;
  readonly memoryMb: number;
  readonly cpus: number;
  /** How long a removal keeps the state volume; 0 removes it with the gateway. */
  readonly keepStateMs: number;
  /** How long an operation waits for an operator's word before it unwinds; 0 unwinds at once. */
  readonly parkMs: number;
  readonly channels: readonly Channel[];
  /** Whether a rotation of the whole fleet takes it along; absent, the default, only when somebody names it. */
  readonly rotation?: 'scheduled';
};

const known = new Set(['release', 'dev', 'memoryMb', 'cpus', 'keepStateMs', 'parkMs', 'channels', 'rotation']);
const yearMs = 366 * 24 * 3_600_000;

/**
 * A spec as it arrives over the wire, or `Refused`: the update validator and the entity's start both ask here,
 * because another client than ours may have sent it.
 */
export function gatewaySpec(raw: unknown): GatewaySpec {
  if (typeof raw !== 'object' || raw === null) throw new Refused('the spec is not an object');
  const given = raw as Record<string, unknown>;
  const odd = Object.keys(given).filter((key) => !known.has(key));
  if (odd.length > 0) {
    throw new Refused(`the spec has unknown fields: ${odd.join(', ')}. It takes: ${[...known].join(', ')}`);
  }
  if (typeof given['dev'] !== 'boolean') throw new Refused('spec dev must be true or false');
  if (!Array.isArray(given['channels'])) throw new Refused('spec channels must be a list');
  const channels = given['channels'].map(channel);
  if (new Set(channels.map((each) => each.kind)).size !== channels.length) {
    throw new Refused('spec channels names one kind twice');
  }
  return {
    release: releaseVersion(given['release']),
    dev: given['dev'],
    memoryMb: memory(given['memoryMb']),
    cpus: between('cpus', given['cpus'], 0.5, 64),
    keepStateMs: between('keepStateMs', given['keepStateMs'], 0, yearMs),
    parkMs: between('parkMs', given['parkMs'], 0, yearMs),
    channels,
    ...rotationOf(given['rotation']),
  };
}

/** `manual` is what a spec without the field says: both are one spec. */
function rotationOf(raw: unknown): Pick<GatewaySpec, 'rotation'> {
  if (raw === undefined || raw === 'manual') return {};
  if (raw === 'scheduled') return { rotation: raw };
  throw new Refused(`spec rotation is ${JSON.stringify(raw)}: it must be "manual" or "scheduled"`);
}

/** Memory in MB as given, or `Refused` below the floor of S0-25. */
export function memory(raw: unknown): number {
  if (typeof raw === 'number' && raw < memoryFloorMb) {
    throw new Refused(
      `memory ${raw} MB is too little: a gateway needs 1.5 GB (${memoryFloorMb} MB), below it the kernel kills it while it boots (S0-25)`,
    );
  }
  return between('memoryMb', raw, memoryFloorMb, memoryCeilingMb);
}

function between(name: string, raw: unknown, least: number, most: number): number {
  if (typeof raw === 'number' && raw >= least && raw <= most) return raw;
  throw new Refused(`spec ${name} is ${JSON.stringify(raw)}: it must be a number from ${least} to ${most}`);
}

/** Whether two specs ask for the same gateway, whatever the order of their fields. */
export function sameSpec(one: GatewaySpec, other: GatewaySpec): boolean {
  return canonical(one) === canonical(other);
}

/** JSON with sorted keys, for comparison. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
