import { channel, type Channel } from '../channels/channel.js';
import { environmentOf, type Environment } from '../environment/environment.js';
import { timezoneOf } from '../environment/timezone.js';
import { Refused } from '../errors.js';
import { extrasOf, type Extras } from '../extras/extras.js';
import type { Beside } from '../extras/owned.js';
import { machineWish, type MachineWish } from '../hosts/machine-wish.js';
import { modelsOf, type Models } from '../models/models.js';
import { durationText, sizeText } from '../amounts.js';
import { releaseVersion } from '../release/release.js';
import { diskCeilingMb, diskFloorMb, memoryCeilingMb, memoryFloorMb } from '../thresholds.js';

/** What a customer bought, in the form that travels: plain JSON, references instead of secrets, units in the names. */
export type GatewaySpec = {
  readonly release: string;
  /** Accepts a release that was built on the worker's machine. */
  readonly dev: boolean;
  readonly memoryMb: number;
  readonly cpus: number;
  /** How much its state is to take of its host's disk (S0-34); absent, nobody says. Measured, not enforced. */
  readonly diskMb?: number;
  /** How long a removal keeps the state volume; with 0, it goes with the gateway. */
  readonly keepStateMs: number;
  /** How long an operation waits for an operator's answer before it unwinds; with 0, at once. */
  readonly parkMs: number;
  readonly channels: readonly Channel[];
  /** How long the former release and its saved state are kept after an upgrade; a week when absent. */
  readonly keepFormerMs?: number;
  /** Whether a rotation of the whole fleet includes it; absent, the default, only when it is named. */
  readonly rotation?: 'scheduled';
  /** Whether a reconciliation by schedule repairs it; absent, the default, it only names it. */
  readonly repair?: 'scheduled';
  /** Which model answers, and by whose keys; absent, nobody is answered. */
  readonly models?: Models;
  /** Whatever else `openclaw.json` is to say, in its own words; absent, nothing. */
  readonly config?: Extras;
  /** By which a gateway and the programs in it tell the time; absent, UTC. */
  readonly timezone?: string;
  /** What they find in their environment beside. */
  readonly environment?: Environment;
  /** Whether it may begin on a host that is not fenced (row 72); absent, the default, only on one that is. */
  readonly fence?: 'off';
  /** A machine of its own, which is bought for it and goes with it; absent, it stands on a host that there is. */
  readonly machine?: MachineWish;
};

/** What `creel change` can ask for; fields left out stay as they are. */
export type SpecChange = Partial<
  Omit<GatewaySpec, 'release' | 'dev' | 'machine' | 'rotation' | 'repair' | 'fence' | Noned>
> & {
  readonly rotation?: 'manual' | 'scheduled';
  readonly repair?: 'manual' | 'scheduled';
  readonly fence?: 'on' | 'off';
} & { readonly [F in Noned]?: GatewaySpec[F] | 'none' };

/** What a spec can be without. */
type Noned = 'diskMb' | 'models' | 'config' | 'timezone' | 'environment';

const changeable = [
  'memoryMb',
  'cpus',
  'diskMb',
  'keepStateMs',
  'keepFormerMs',
  'parkMs',
  'channels',
  'rotation',
  'repair',
  'fence',
  'models',
  'config',
  'timezone',
  'environment',
] as const;
const known = new Set<string>(['release', 'dev', ...changeable, 'machine']);
const yearMs = 366 * 24 * 3_600_000;

/**
 * A spec as it arrives over the wire, or `Refused`. The update's validator and the entity's start both check it here,
 * because it may come from a client that is not ours.
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
  const models = modelsIn(given['models']);
  return {
    release: releaseVersion(given['release']),
    dev: given['dev'],
    memoryMb: memory(given['memoryMb']),
    cpus: between('cpus', given['cpus'], 0.5, 64),
    ...diskIn(given['diskMb']),
    keepStateMs: duration('keep_state', given['keepStateMs']),
    parkMs: duration('park_for', given['parkMs']),
    ...(given['keepFormerMs'] !== undefined && { keepFormerMs: duration('keep_former', given['keepFormerMs']) }),
    channels,
    ...scheduledIn('rotation', given['rotation']),
    ...scheduledIn('repair', given['repair']),
    ...fenceIn(given['fence']),
    ...models,
    ...configIn(given['config'], { channels, ...models }),
    ...timezoneIn(given['timezone']),
    ...environmentIn(given['environment']),
    ...(given['machine'] !== undefined && { machine: machineWish(given['machine']) }),
  };
}

/** The spec after a change of it, or `Refused`. */
export function changedSpec(spec: GatewaySpec, change: SpecChange): GatewaySpec {
  const asked = changeable.filter((field) => change[field] !== undefined).map((field) => [field, change[field]]);
  return gatewaySpec({ ...spec, ...Object.fromEntries(asked) });
}

/** `manual` is what a spec without the field means: both are one spec. */
function scheduledIn<F extends 'rotation' | 'repair'>(field: F, raw: unknown): Partial<Record<F, 'scheduled'>> {
  if (raw === undefined || raw === 'manual') return {};
  if (raw === 'scheduled') return { [field]: raw } as Partial<Record<F, 'scheduled'>>;
  throw new Refused(`spec ${field} is ${JSON.stringify(raw)}: it must be "manual" or "scheduled"`);
}

/** `on` is what a spec without the field means. */
function fenceIn(raw: unknown): Pick<GatewaySpec, 'fence'> {
  if (raw === undefined || raw === 'on') return {};
  if (raw === 'off') return { fence: raw };
  throw new Refused(`spec fence is ${JSON.stringify(raw)}: it must be "on" or "off"`);
}

/** `none` is what a spec without the field means. */
function diskIn(raw: unknown): Pick<GatewaySpec, 'diskMb'> {
  return raw === undefined || raw === 'none' ? {} : { diskMb: disk(raw) };
}

/** The same. */
function modelsIn(raw: unknown): Pick<GatewaySpec, 'models'> {
  return raw === undefined || raw === 'none' ? {} : { models: modelsOf(raw) };
}

/** `none`, or an empty table, is what a spec without the field means. */
function configIn(raw: unknown, beside: Beside): Pick<GatewaySpec, 'config'> {
  const config = raw === undefined || raw === 'none' ? undefined : extrasOf(raw, beside);
  return config ? { config } : {};
}

/** `none` is what a spec without the field means. */
function timezoneIn(raw: unknown): Pick<GatewaySpec, 'timezone'> {
  return raw === undefined || raw === 'none' ? {} : { timezone: timezoneOf(raw) };
}

/** Likewise, and so is an empty table. */
function environmentIn(raw: unknown): Pick<GatewaySpec, 'environment'> {
  const environment = raw === undefined || raw === 'none' ? undefined : environmentOf(raw);
  return environment ? { environment } : {};
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

/** A limit of a disk in MB as given, or `Refused`. */
export function disk(raw: unknown): number {
  if (typeof raw === 'number' && raw < diskFloorMb)
    throw new Refused(`disk ${sizeText(raw)} is too little: ${sizeText(diskFloorMb)} at least`);
  if (typeof raw === 'number' && raw > diskCeilingMb)
    throw new Refused(`disk ${sizeText(raw)} is too much: ${sizeText(diskCeilingMb)} at most`);
  return between('disk', raw, diskFloorMb, diskCeilingMb);
}

/** The fields of which engines and timers take no fraction. */
const wholes = ['memoryMb', 'diskMb', 'keepStateMs', 'keepFormerMs', 'parkMs'] as const;

/**
 * `Refused` when a fraction is asked for, unless it is on record already: an older creel accepted it, and that gateway
 * goes on.
 */
export function demandWhole(asked: SpecChange, onRecord: SpecChange = {}): void {
  const isOdd = (value: unknown) => typeof value === 'number' && !Number.isInteger(value);
  const odd = wholes.find((field) => isOdd(asked[field]) && asked[field] !== onRecord[field]);
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
