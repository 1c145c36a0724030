import type { Place } from './place.js';

/** A region of a seller of machines, or a machine in it. */
export type RegionAt = {
  readonly provider: Exclude<Place['provider'], 'local'>;
  readonly region: string;
  /** The machine, by its name; absent where the region itself is meant. */
  readonly host?: string;
};

/** The machine of its own on which a place is; undefined on any other host. */
export function machineIn({ provider, region, host }: Place): RegionAt | undefined {
  return provider === 'local' || region === undefined ? undefined : { provider, region, host };
}

/** The engine of a machine as a place; the one of this id, whichever host it stands on, where no machine is named. */
export function placeOn(engine: string, at?: RegionAt): Place {
  if (at?.host === undefined) return { provider: 'local', host: 'local', engine };
  return { provider: at.provider, region: at.region, host: at.host, engine };
}

/** A gateway that stands on a machine of its own, as its record has it. */
export type OnMachine = {
  readonly gateway: string;
  readonly birth: string;
  readonly phase: string;
  readonly at: RegionAt;
  /** The engine's own id; undefined until it was found. */
  readonly engine: string | undefined;
};

/** A region in the words in which lists and counts name it beside engines: `lightsail eu-central-1`. */
export function regionKey({ provider, region }: RegionAt): string {
  return `${provider} ${region}`;
}

const keyForm = /^(lightsail) ([a-z0-9-]+)$/;

/** The region that is so named; undefined for an engine. */
export function readRegionKey(key: string): RegionAt | undefined {
  const [, provider, region] = keyForm.exec(key) ?? [];
  return provider === 'lightsail' && region ? { provider, region } : undefined;
}

/** An engine or a region, as people read it. */
export function whereText(key: string): string {
  return readRegionKey(key) ? key : `engine ${key}`;
}
