import { BlockList } from 'node:net';
import { insidePort } from './config.js';
import { at, isObject, type Json, type JsonObject } from '../json.js';

/** Where a gateway stands, as far as its config must know it. */
export type Around = {
  /** The address from which the host's own connections come to the gateway: the first one of its subnet. */
  readonly bridge: string | undefined;
  /** The kinds of its spec's channels. */
  readonly channels: readonly string[];
};

/**
 * Something in a config that takes over what creel owns of it.
 * `split`: creel's keys lie in another file, which only the customer can put back. `shut`: nobody reaches the gateway through
 * its published port; a repair puts it right by one start. `noted`: creel goes past it, and says so.
 */
export type Drift = { readonly kind: 'split' | 'shut' | 'noted'; readonly key: string; readonly sentence: string };

type Owned = {
  readonly path: readonly string[];
  readonly isRight: (value: Json | undefined) => boolean;
  readonly wanted: Json;
  readonly why: string;
};

/** The keys without which nobody reaches a gateway through its published port. An absent one is filled in before the next start. */
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

/** Everything in a config that takes over what creel owns of it, the gravest first. */
export function drift(config: JsonObject, around: Around): Drift[] {
  const shut = doors
    .filter(({ path, isRight }) => !isRight(at(config, path)))
    .map(({ path, wanted, why }): Drift => {
      const key = path.join('.');
      const says = JSON.stringify(at(config, path));
      return { kind: 'shut', key, sentence: `${key} is ${says} and must be ${JSON.stringify(wanted)}: ${why}` };
    });
  return [...splits(config, around), ...shut, ...proxies(config, around)];
}

/** The config with every door as creel wants it; the rest stays. */
export function opened(config: JsonObject): JsonObject {
  const wrong = doors.filter(({ path, isRight }) => !isRight(at(config, path)));
  return wrong.reduce((result, { path, wanted }) => put(result, path, wanted), config);
}

/** The objects on the way to creel's keys, as far as they exist: one of them that includes a file cannot be edited here. */
function splits(config: JsonObject, { channels }: Around): Drift[] {
  const ways = [
    [],
    ['gateway'],
    ...['auth', 'remote', 'controlUi', 'nodes', 'tls'].map((part) => ['gateway', part]),
    ...(channels.length > 0 ? [['channels']] : []),
    ...channels.map((kind) => ['channels', kind]),
  ];
  return ways
    .map((way) => ({ way, found: at(config, way) }))
    .filter(({ found }) => isObject(found) && '$include' in found)
    .map(({ way, found }): Drift => {
      const key = [...way, '$include'].join('.');
      const file = isObject(found) ? JSON.stringify(found['$include']) : '';
      const where = way.length === 0 ? 'it as a whole' : `"${way.join('.')}"`;
      return { kind: 'split', key, sentence: `${where} comes from another file (${key}: ${file})` };
    });
}

/** Whoever comes from an address that counts as a proxy, and names nobody for whom he comes, is answered 403 (T14). */
function proxies(config: JsonObject, { bridge }: Around): Drift[] {
  const listed = at(config, ['gateway', 'trustedProxies']);
  if (bridge === undefined || !Array.isArray(listed)) return [];
  const covering = listed.filter((each) => typeof each === 'string').filter((each) => covers(each, bridge));
  if (covering.length === 0) return [];
  const key = 'gateway.trustedProxies';
  const sentence = `${key} (${covering.join(', ')}) covers ${bridge}, from which everybody comes who comes without a proxy: they are answered 403, and so is a link of \`creel open\`. creel itself goes past it. Take the entry out, or give the proxy an address of its own on the gateway's network`;
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

/** The address of the host on a network, from which its own connections come: the first one. */
export function bridgeOf(subnet: string | undefined): string | undefined {
  const octets = /^(\d+\.\d+\.\d+)\.(\d+)\//.exec(subnet ?? '');
  return octets ? `${octets[1]}.${Number(octets[2]) + 1}` : undefined;
}

function put(config: JsonObject, [key, ...rest]: readonly string[], value: Json): JsonObject {
  if (key === undefined) return config;
  const inner = config[key];
  return { ...config, [key]: rest.length === 0 ? value : put(isObject(inner) ? inner : {}, rest, value) };
}
