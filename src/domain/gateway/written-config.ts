import { withOwnDefaults, withoutFormer } from '../channels/config.js';
import { writtenChannel, type WrittenChannel } from '../channels/written-channel.js';
import { Refused } from '../errors.js';
import { withoutExtras } from '../extras/config.js';
import { writtenExtras, type Extras } from '../extras/extras.js';
import { isObject, parseObject, type Json, type JsonObject } from '../json.js';
import { withoutModels } from '../models/config.js';
import { writtenModels, type WrittenModels } from '../models/written-models.js';
import { opened } from './owned-keys.js';

/**
 * Where creel remembers, in the same state beside the config, what it wrote into it: the file goes wherever the state
 * goes.
 */
export const writtenFile = '.creel-config.json';

/**
 * What creel has written into lists and blocks to which a customer adds as well. What is in here and not in the next
 * spec is removed; what is in the config and not in here is the customer's, and stays.
 */
export type Written = {
  readonly channels: readonly WrittenChannel[];
  readonly origins: readonly string[];
  /** At most those of one spec, but for the time in which they turn into another's. */
  readonly models: readonly WrittenModels[];
  /** Likewise, of `[config]`. */
  readonly config: readonly Extras[];
};

const nothing: Written = { channels: [], origins: [], models: [], config: [] };

/**
 * What was written, as remembered, whether it may be asked for by now or not; nothing for an older creel's state, or for
 * a torn memory. What nobody can have written is left out, and the rest does not hang on it.
 */
export function readWritten(text: string | undefined): Written {
  const { layout, ...lists } = parseObject(text) ?? {};
  if (layout !== 1) return nothing;
  return {
    channels: listOf(lists['channels']).flatMap((each) => writtenChannel(each) ?? []),
    origins: listOf(lists['origins']).filter((each) => typeof each === 'string'),
    models: listOf(lists['models']).flatMap((each) => writtenModels(each) ?? []),
    config: listOf(lists['config']).filter(isObject).flatMap(known),
  };
}

function listOf(raw: Json | undefined): Json[] {
  return Array.isArray(raw) ? raw : [];
}

/** Nothing of a `[config]` that nobody can have written. */
function known(raw: JsonObject): Extras[] {
  try {
    return [writtenExtras(raw)];
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}

/** The memory as a text. */
export function writtenText({ channels, origins, models, config }: Written): string {
  const more = { ...(models.length > 0 && { models }), ...(config.length > 0 && { config }) };
  return `${JSON.stringify({ layout: 1, channels, origins, ...more })}\n`;
}

/** Both memories in one: remembered while one turns into the other, so that an interrupted write forgets nothing. */
export function bothWritten(one: Written, other: Written): Written {
  return {
    channels: joined(one.channels, other.channels),
    origins: [...new Set([...one.origins, ...other.origins])],
    models: joined(one.models, other.models),
    config: joined(one.config, other.config),
  };
}

function joined<T>(one: readonly T[], other: readonly T[]): T[] {
  const isIn = (each: T) => one.some((known) => JSON.stringify(known) === JSON.stringify(each));
  return [...one, ...other.filter((each) => !isIn(each))];
}

/**
 * A config's text without what overrides creel's keys, and without what creel had written that the next spec does not
 * name. A customer's additions stay. Undefined stays undefined.
 */
export function cleared(text: string | undefined, before: Written, next: Written): string | undefined {
  const config = parseObject(text);
  if (!config) return text;
  const own = withoutExtras(withoutOrigins(config, before, next), before.config, next.config[0]);
  const bare = withoutModels(own, before.models, next.models);
  const whole = withOwnDefaults(opened(bare), [...before.channels, ...next.channels]);
  return withoutFormer(JSON.stringify(whole), before.channels, next.channels);
}

function withoutOrigins(config: JsonObject, before: Written, next: Written): JsonObject {
  const { gateway } = config;
  const controlUi = isObject(gateway) ? gateway['controlUi'] : undefined;
  const listed = isObject(controlUi) ? controlUi['allowedOrigins'] : undefined;
  if (!isObject(gateway) || !isObject(controlUi) || !Array.isArray(listed)) return config;
  const gone = before.origins.filter((each) => !next.origins.includes(each));
  const allowedOrigins = listed.filter((each) => typeof each !== 'string' || !gone.includes(each));
  return { ...config, gateway: { ...gateway, controlUi: { ...controlUi, allowedOrigins } } };
}
