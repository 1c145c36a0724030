import { channel, type Channel } from '../channels/channel.js';
import { Refused } from '../errors.js';
import { durationText, sizeText } from '../amounts.js';
import { releaseVersion } from '../release/release.js';
import { memoryCeilingMb, memoryFloorMb } from '../thresholds.js';

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
  /** How long the previous release and its state are kept after an upgrade; a week when absent. */
  readonly keepFormerMs?: number;
  /** Whether a rotation of the whole fleet takes it along; absent, the default, only when somebody names it. */
  readonly rotation?: 'scheduled';
};

/** What `creel change` can ask for; what is absent stays. */
export type SpecChange = Partial<Omit<GatewaySpec, 'release' | 'dev' | 'rotation'>> & {
  readonly rotation?: 'manual' | 'scheduled';
};

const changeable = ['memoryMb', 'cpus', 'keepStateMs', 'keepFormerMs', 'parkMs', 'channels', 'rotation'] as const;
const known = new Set<string>(['release', 'dev', ...changeable]);
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
    keepStateMs: duration('keep_state', given['keepStateMs']),
    parkMs: duration('park_for', given['parkMs']),
    ...(given['keepFormerMs'] !== undefined && { keepFormerMs: duration('keep_former', given['keepFormerMs']) }),
    channels,
    ...rotationOf(given['rotation']),
  };
}

/** The spec that a change of it comes to, or `Refused`. */
export function changedSpec(spec: GatewaySpec, change: SpecChange): GatewaySpec {
  const asked = changeable.filter((field) => change[field] !== undefined).map((field) => [field, change[field]]);
  return gatewaySpec({ ...spec, ...Object.fromEntries(asked) });
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
      `memory ${raw} MB is too little: a gateway needs 1.5 GB (${memoryFloorMb} MB), below it the kernel kills it while it boots`,
    );
  }
  if (typeof raw === 'number' && raw > memoryCeilingMb)
    throw new Refused(`memory ${sizeText(raw)} is too much: ${sizeText(memoryCeilingMb)} at most`);
  return between('memory', raw, memoryFloorMb, memoryCeilingMb);
}

/** Engines and timers take no fraction of these units. */
const wholes = ['memoryMb', 'keepStateMs', 'keepFormerMs', 'parkMs'] as const;

/** `Refused` when a fraction is asked for that does not stand on record already: an older creel took it, and its gateways go on. */
export function demandWhole(asked: SpecChange, onRecord: SpecChange = {}): void {
  const odd = wholes.find((field) => !Number.isInteger(asked[field] ?? 0) && asked[field] !== onRecord[field]);
  if (odd !== undefined) throw new Refused(`spec ${odd} is ${asked[odd]}: it must be a whole number`);
}

function duration(name: string, raw: unknown): number {
  if (typeof raw === 'number' && raw > yearMs)
    throw new Refused(`${name} ${durationText(raw)} is too long: ${durationText(yearMs)} at most`);
  return between(name, raw, 0, yearMs);
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
