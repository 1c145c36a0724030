import { engineId } from '../hosts/engine-id.js';
import { Refused } from '../errors.js';
import type { GatewaySpec } from './spec.js';
import type { Place } from '../hosts/place.js';
import type { Shelf } from './shelf.js';

/**
 * Layout of names, labels and derivations. Frozen by golden vectors: a newer creel still owns what an older one made.
 */
export const layout = 1;

/** Whose a resource is. Every volume, network and container carries all four parts. */
export type Mark = {
  readonly deployment: string;
  readonly gateway: string;
  readonly birth: string;
  readonly layout: number;
};

/** What every step of every operation is told: references and generations, never a secret. */
export type Gateway = {
  readonly mark: Mark;
  readonly place: Place;
  readonly spec: GatewaySpec;
  readonly tokenGeneration: number;
  readonly deviceGeneration: number;
  /** The master key that its token and creel's device are derived from; the deployment's first one when absent. */
  readonly keyId?: string;
  /** The replacement that made its container; absent before the first. */
  readonly replacement?: number;
  /** A replacement under way: until it is done, its saved state is the gateway's. */
  readonly underway?: { readonly number: number; readonly save: Shelf };
};

const idForm = /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/;
const birthForm = /^[a-z2-9]{6}$/;

/** A gateway id as given, or `Refused` with the form it should have. */
export function gatewayId(raw: unknown): string {
  if (typeof raw === 'string' && idForm.test(raw)) return raw;
  throw new Refused(
    `gateway id ${JSON.stringify(raw)} is malformed: 1 to 30 of a-z, 0-9 and "-", starting with a letter, not ending with "-". For example: g42`,
  );
}

/** A birth as given, or `Refused`. */
export function gatewayBirth(raw: unknown): string {
  if (typeof raw === 'string' && birthForm.test(raw)) return raw;
  throw new Refused(
    `birth ${JSON.stringify(raw)} is malformed: six of a-z and 2-9, as \`creel describe\` shows it. For example: 7k3fq2`,
  );
}

const regionForm = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

/** A place as given, or `Refused`. */
export function gatewayPlace(raw: unknown): Place {
  const { provider, host, region, engine } = (raw ?? {}) as Partial<Record<keyof Place, unknown>>;
  const on = engine === undefined ? {} : { engine: engineId(engine, 'the place asked for') };
  if (typeof host !== 'string' || host === '' || host.length > 253) throw unknownPlace(raw);
  if (provider === 'local') return { provider, host, ...on };
  if (provider === 'lightsail' && typeof region === 'string' && regionForm.test(region))
    return { provider, host, region, ...on };
  throw unknownPlace(raw);
}

function unknownPlace(raw: unknown): Refused {
  return new Refused(
    `place ${JSON.stringify(raw)} is unknown: it must name provider "local" and a host, or "lightsail", a region and a machine`,
  );
}

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A birth from six random bytes (32 letters, so every byte maps evenly). */
export function birthFrom(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 6), (byte) => alphabet[byte % 32]).join('');
}

export type Names = {
  readonly container: string;
  readonly hostname: string;
  readonly network: string;
  readonly volume: string;
  /** The never-started container through which the config is written into the volume. */
  readonly writer: string;
};

/** Every engine name of one life, derived from gateway id and birth alone (layout 1). */
export function names(mark: Pick<Mark, 'gateway' | 'birth'>): Names {
  const base = `oc-${mark.gateway}-${mark.birth}`;
  return {
    container: base,
    hostname: base,
    network: base,
    volume: `${base}-state`,
    writer: `${base}-write`,
  };
}

const namedLikeOurs = /^oc-[a-z0-9-]+-[a-z0-9]{6}(-(state|write|old|copy|trial|try|snap-[ab]))?$/;

/** Whether a name has the form of those above. That says nothing of whose it is: only a mark does. */
export function isNamedLikeOurs(name: string): boolean {
  return namedLikeOurs.test(name);
}

export type Labels = Readonly<Record<string, string>>;

/** The mark as labels for the engine (layout 1). */
export function markLabels(mark: Mark): Labels {
  return {
    'creel.deployment': mark.deployment,
    'creel.gateway': mark.gateway,
    'creel.birth': mark.birth,
    'creel.layout': String(mark.layout),
  };
}

/** The mark that labels carry, or undefined when any part of it is missing. */
export function readMark(labels: Labels): Mark | undefined {
  const deployment = labels['creel.deployment'];
  const gateway = labels['creel.gateway'];
  const birth = labels['creel.birth'];
  const found = Number(labels['creel.layout']);
  if (!deployment || !gateway || !birth || !Number.isInteger(found)) return undefined;
  return { deployment, gateway, birth, layout: found };
}

/** Whether labels say that a resource belongs to exactly this life of this gateway of this deployment. */
export function carries(labels: Labels, mark: Mark): boolean {
  const found = readMark(labels);
  return (
    found !== undefined &&
    found.deployment === mark.deployment &&
    found.gateway === mark.gateway &&
    found.birth === mark.birth
  );
}
