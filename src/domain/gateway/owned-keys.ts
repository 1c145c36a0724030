import { BlockList } from 'node:net';
import { insidePort } from './config.js';
import { customersKeys } from '../models/config.js';
import { missingExtras, settingsIn } from '../extras/config.js';
import type { Extras } from '../extras/extras.js';
import type { Models } from '../models/models.js';
import { at, isObject, type Json, type JsonObject } from '../json.js';

/** What a gateway's surroundings mean for its config. */
export type Around = {
  /** The address from which the host's own connections reach the gateway: the first one of its subnet. */
  readonly bridge: string | undefined;
  /** The kinds of its spec's channels. */
  readonly channels: readonly string[];
  /** Its spec's models, if it has any. */
  readonly models?: Models | undefined;
  /** What else its spec wants in it. */
  readonly config?: Extras | undefined;
};

/**
 * Something in a config that overrides what creel owns of it. `split`: creel's keys lie in another file, which only the
 * customer can put back. `shut`: nobody reaches the gateway through its published port; a repair mends that with one
 * start. `noted`: creel leaves it and reports it.
 */
export type Drift = { readonly kind: 'split' | 'shut' | 'noted'; readonly key: string; readonly sentence: string };

type Owned = {
  readonly path: readonly string[];
  readonly isRight: (value: Json | undefined) => boolean;
  readonly wanted: Json;
  readonly why: string;
};

/**
 * The keys without which nobody reaches a gateway through its published port. A missing one is filled in before the
 * next start.
 */
const doors: readonly Owned[] = [
  {
    path: ['gateway', 'mode'],
    isRight: (value) => value === undefined || value === 'local',
    wanted: 'local',
    why: 'it does not run as a gateway otherwise',
  },
  {
    path: ['gateway', 'bind'],
    isRight: (value) => value === undefined || value === 'lan' || value === 'auto',
    wanted: 'lan',
    why: 'the published port leads nowhere otherwise',
  },
  {
    path: ['gateway', 'port'],
    isRight: (value) => value === undefined || value === insidePort,
    wanted: insidePort,
    why: 'that is the port that is published',
  },
  {
    path: ['gateway', 'tls', 'enabled'],
    isRight: (value) => value !== true,
    wanted: false,
    why: 'the published port speaks plain HTTP on loopback; TLS belongs into a proxy in front of it',
  },
  {
    path: ['gateway', 'auth', 'mode'],
    isRight: (value) => value === undefined || value === 'token',
    wanted: 'token',
    why: 'creel and the clients come with the gateway token',
  },
];

/** Everything in a config that overrides what creel owns of it, the gravest first. */
export function drift(config: JsonObject, around: Around): Drift[] {
  const shut = doors
    .filter(({ path, isRight }) => !isRight(at(config, path)))
    .map(({ path, wanted, why }): Drift => {
      const key = path.join('.');
      const says = JSON.stringify(at(config, path));
      return { kind: 'shut', key, sentence: `${key} is ${says} and must be ${JSON.stringify(wanted)}: ${why}` };
    });
  return [
    ...splits(config, around),
    ...shut,
    ...proxies(config, around),
    ...foreignKeys(config, around),
    ...otherwise(config, around),
  ];
}

/** The config with every door the way creel wants it; the rest stays. */
export function opened(config: JsonObject): JsonObject {
  const wrong = doors.filter(({ path, isRight }) => !isRight(at(config, path)));
  return wrong.reduce((result, { path, wanted }) => put(result, path, wanted), config);
}

/**
 * The existing objects on the way to creel's keys: where one of them includes a file, the config cannot be edited here.
 */
function splits(config: JsonObject, { channels, models, config: extras }: Around): Drift[] {
  const ways = [
    [],
    ['gateway'],
    ...['auth', 'remote', 'controlUi', 'nodes', 'tls'].map((part) => ['gateway', part]),
    ...(channels.length > 0 ? [['channels']] : []),
    ...channels.map((kind) => ['channels', kind]),
    ...(models || channels.length > 0 ? [['secrets'], ['secrets', 'providers']] : []),
    ...(models ? [['models'], ['models', 'providers']] : []),
    ...(models ? [['agents'], ['agents', 'defaults'], ['agents', 'defaults', 'model']] : []),
    ...(models?.providers ?? []).map(({ id }) => ['models', 'providers', id]),
  ];
  const wanted = settingsIn(extras ?? {}).flatMap(({ path }) => path.map((_key, index) => path.slice(0, index)));
  const all = new Map([...ways, ...wanted].map((way) => [way.join('\0'), way]));
  return [...all.values()]
    .map((way) => ({ way, found: at(config, way) }))
    .filter(({ found }) => isObject(found) && '$include' in found)
    .map(({ way, found }): Drift => {
      const key = [...way, '$include'].join('.');
      const file = isObject(found) ? JSON.stringify(found['$include']) : '';
      const where = way.length === 0 ? 'it as a whole' : `"${way.join('.')}"`;
      return { kind: 'split', key, sentence: `${where} comes from another file (${key}: ${file})` };
    });
}

/** A request from an address that counts as a proxy is answered 403 unless it names its client (T14). */
function proxies(config: JsonObject, { bridge }: Around): Drift[] {
  const listed = at(config, ['gateway', 'trustedProxies']);
  if (bridge === undefined || !Array.isArray(listed)) return [];
  const covering = listed.filter((each) => typeof each === 'string').filter((each) => covers(each, bridge));
  if (covering.length === 0) return [];
  const key = 'gateway.trustedProxies';
  const sentence = `${key} (${covering.join(', ')}) covers ${bridge}, from which everybody comes who comes without a proxy: they are answered 403, and so is a link of \`creel open\`. creel itself goes past it. Take the entry out, or give the proxy an address of its own on the gateway's network`;
  return [{ kind: 'noted', key, sentence }];
}

/** The Control UI's Model Setup puts the customer's own key in the place of creel's reference: it is theirs to say whose is used. */
function foreignKeys(config: JsonObject, { models }: Around): Drift[] {
  const theirs = customersKeys(config, models);
  const named = (models?.providers ?? []).filter(({ id }) => theirs[id] !== undefined);
  return named.map(({ id, key }): Drift => {
    const place = `models.providers.${id}.apiKey`;
    const sentence = `${place} is not creel's reference any more: a key of the customer's own is in force for provider ${id}, and ${key} is not. A repair leaves it so; \`creel change\` with --models takes it back`;
    return { kind: 'noted', key: place, sentence };
  });
}

/** How many settings of `[config]` that are otherwise are named; beyond that, only their number. */
const otherwiseShown = 5;

/** What the owner of a gateway has set otherwise stays so until a repair: the spec is what was agreed. */
function otherwise(config: JsonObject, { config: extras }: Around): Drift[] {
  const missing = missingExtras(config, extras ?? {}).map(({ path }) => path.join('.'));
  const [key] = missing;
  if (key === undefined) return [];
  const more = missing.length > otherwiseShown ? ` and ${missing.length - otherwiseShown} more` : '';
  const sentence = `${missing.slice(0, otherwiseShown).join(', ')}${more} no longer says what [config] does: somebody has changed it in the gateway. A repair (\`creel provision\`) puts it right; \`creel change\` with --config takes it out of the spec`;
  return [{ kind: 'noted', key, sentence }];
}

function covers(entry: string, address: string): boolean {
  const [base = '', length] = entry.split('/');
  const list = new BlockList();
  try {
    const family = base.includes(':') ? 'ipv6' : 'ipv4';
    if (length === undefined) list.addAddress(base, family);
    else list.addSubnet(base, Number(length), family);
  } catch {
    return false; // No address: a gateway does not trust it either.
  }
  return list.check(address, 'ipv4');
}

/** The host's address on a network, from which its own connections come: the first one. */
export function bridgeOf(subnet: string | undefined): string | undefined {
  const octets = /^(\d+\.\d+\.\d+)\.(\d+)\//.exec(subnet ?? '');
  return octets ? `${octets[1]}.${Number(octets[2]) + 1}` : undefined;
}

function put(config: JsonObject, [key, ...rest]: readonly string[], value: Json): JsonObject {
  if (key === undefined) return config;
  const inner = config[key];
  return { ...config, [key]: rest.length === 0 ? value : put(isObject(inner) ? inner : {}, rest, value) };
}
