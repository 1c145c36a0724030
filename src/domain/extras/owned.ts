import type { Channel } from '../channels/channel.js';
import type { Models } from '../models/models.js';

/** What the rest of a spec says, to which some keys of a config belong. */
export type Beside = { readonly channels: readonly Channel[]; readonly models?: Models };

type Owned = { readonly path: readonly string[]; readonly why: string };

/** What creel owns of every config (S4-42), and why nobody else sets it. */
const always: readonly Owned[] = [
  ...['mode', 'bind', 'port', 'tls', 'tailscale', 'customBindHost'].map((key) => ({
    path: ['gateway', key],
    why: 'creel owns it: the published port leads nowhere otherwise. TLS belongs into a proxy in front of it',
  })),
  { path: ['gateway', 'auth'], why: 'creel owns it: every gateway is behind its token' },
  { path: ['gateway', 'remote'], why: 'creel owns it: the command line inside comes with the gateway token' },
  { path: ['gateway', 'reload'], why: 'creel owns it: a change reaches the gateway while it runs' },
  { path: ['gateway', 'nodes', 'pairing'], why: 'creel owns it: every device is paired. `creel pair` lets one in' },
  { path: ['gateway', 'controlUi', 'basePath'], why: 'creel owns it: the links of `creel open` lead to /' },
  { path: ['gateway', 'controlUi', 'enabled'], why: 'creel owns it: `creel open` leads to the Control UI' },
  { path: ['agents', 'defaults', 'workspace'], why: 'creel owns it: the workspace lies in the kept state' },
  { path: ['secrets', 'providers', 'creel'], why: 'creel owns it: it leads to the keys of [[models]]' },
  { path: ['secrets', 'providers', 'creel-channels'], why: 'creel owns it: it leads to the tokens of [[channels]]' },
  { path: ['update'], why: 'creel owns it: another release comes by `creel upgrade`' },
  { path: ['env'], why: 'names and plain values go into [environment]' },
  { path: ['meta'], why: 'the gateway itself writes it' },
  { path: ['wizard'], why: 'the gateway itself writes it' },
];

/** What a channel has in a spec, and may not have beside it. */
const ofChannels = ['enabled', 'dmPolicy', 'allowFrom', 'accounts', 'botToken', 'token', 'appToken', 'tokenFile'];

/** The tables below `channels` that are no channel. */
const noChannel = new Set(['defaults', 'modelByChannel']);

/** Why a key of a config cannot be said in `[config]`; undefined where it can. */
export function whyOwned(path: readonly string[], { channels, models }: Beside): string | undefined {
  const own = always.find((each) => isSame(each.path, path));
  if (own) return own.why;
  const [root, second, third] = path;
  if (root === 'channels' && second !== undefined && !noChannel.has(second)) {
    if (!channels.some(({ kind }) => kind === second))
      return `no [[channels]] table has kind = "${second}", and creel proves every channel. Name it there`;
    if (third !== undefined && ofChannels.includes(third)) return 'it belongs into the [[channels]] table';
  }
  if (!models) return undefined;
  if (isSame(path, ['agents', 'defaults', 'model'])) return 'it is `model` and `fallbacks` of the spec';
  const isProvider = root === 'models' && second === 'providers' && path.length === 3;
  if (isProvider && models.providers.some(({ id }) => id === third)) return 'it belongs into the [[models]] table';
  return undefined;
}

/** Whether creel writes below this key, so that it must be a table. */
export function leadsToOwned(path: readonly string[]): boolean {
  const [root, ...rest] = path;
  if (root === 'channels') return rest.length < 2;
  if (root === 'models') return rest.length === 0 || (rest.length === 1 && rest[0] === 'providers');
  return always.some((each) => each.path.length > path.length && isSame(each.path.slice(0, path.length), path));
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}
