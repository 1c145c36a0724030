import { withOwnDefaults, withoutFormer } from '../channels/config.js';
import { channel, type Channel } from '../channels/channel.js';
import { Refused } from '../errors.js';
import { isObject, parseObject, type JsonObject } from '../json.js';
import { opened } from './owned-keys.js';

/** Where creel remembers, beside the config and in the same state, what it put into it: the file goes wherever the state goes. */
export const writtenFile = '.creel-config.json';

/**
 * What creel has put into lists and blocks that a customer adds to as well. What is in here and not in the next spec goes; what is in
 * the config and not in here is the customer's, and stays.
 */
export type Written = { readonly channels: readonly Channel[]; readonly origins: readonly string[] };

const nothing: Written = { channels: [], origins: [] };

/** What was written, as remembered; a state of an older creel, or a torn memory, remembers nothing. */
export function readWritten(text: string | undefined): Written {
  const { layout, channels, origins } = parseObject(text) ?? {};
  if (layout !== 1 || !Array.isArray(channels) || !Array.isArray(origins)) return nothing;
  try {
    return { channels: channels.map(channel), origins: origins.filter((each) => typeof each === 'string') };
  } catch (error) {
    if (error instanceof Refused) return nothing; // A newer creel's channel, or somebody's edit.
    throw error;
  }
}

/** The memory as a text. */
export function writtenText({ channels, origins }: Written): string {
  return `${JSON.stringify({ layout: 1, channels, origins })}\n`;
}

/** Both of two memories: what is remembered while one becomes the other, so that a write that is cut off forgets nothing. */
export function bothWritten(one: Written, other: Written): Written {
  const isIn = (each: Channel) => one.channels.some((known) => JSON.stringify(known) === JSON.stringify(each));
  return {
    channels: [...one.channels, ...other.channels.filter((each) => !isIn(each))],
    origins: [...new Set([...one.origins, ...other.origins])],
  };
}

/**
 * A config's text without what takes over creel's keys, and without what creel had put there and the next spec does not name. What
 * a customer added stays. Undefined stays undefined.
 */
export function cleared(text: string | undefined, before: Written, next: Written): string | undefined {
  const config = parseObject(text);
  if (!config) return text;
  const own = withOwnDefaults(opened(withoutOrigins(config, before, next)), [...before.channels, ...next.channels]);
  return withoutFormer(JSON.stringify(own), before.channels, next.channels);
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
