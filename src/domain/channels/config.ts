import type { Channel } from './channel.js';
import type { WrittenChannel } from './written-channel.js';
import { isObject, overlay, parseObject, type Json, type JsonObject } from '../json.js';
import { mergePatch } from '../merge-patch.js';
import { withoutSecretFile } from '../secret-files.js';
import { isEverybody } from './senders.js';
import { tokenFile, tokenReference, tokenStore } from './tokens.js';

/** What creel owns of a config for channels: the file of their tokens with a reference instead of each (S1-30), and an allow-list for direct messages (S4-40), to which others are added by a code where the spec says so. */
export function renderChannels(channels: readonly Channel[], state: string): JsonObject {
  if (channels.length === 0) return {};
  return { ...tokenFile(state), channels: Object.fromEntries(channels.map((each) => [each.kind, block(each)])) };
}

function block({ kind, secrets, pairSenders, allowFrom }: Channel): JsonObject {
  return {
    enabled: true,
    ...Object.fromEntries(Object.keys(secrets).map((key) => [key, tokenReference(kind, key)])),
    dmPolicy: pairSenders ? 'pairing' : 'allowlist',
    allowFrom: allowFrom.filter((sender) => !isEverybody(sender)),
  };
}

/**
 * A config's text without what creel had written for channels and senders that the next spec no longer names. A channel
 * to which a customer has added stays, switched off and without its secrets; any other goes.
 */
export function withoutFormer(
  text: string | undefined,
  previous: readonly WrittenChannel[],
  next: readonly WrittenChannel[],
): string | undefined {
  const config = parseObject(text);
  return (
    config &&
    JSON.stringify(taken(previous.length > 0 ? withoutSecretFile(config, tokenStore) : config, previous, next))
  );
}

function taken(config: JsonObject, previous: readonly WrittenChannel[], next: readonly WrittenChannel[]): JsonObject {
  if (!isObject(config['channels'])) return config;
  const channels = { ...config['channels'] };
  for (const before of previous) {
    const found = channels[before.kind];
    if (!isObject(found)) continue;
    const after = next.find(({ kind }) => kind === before.kind);
    const gone = before.allowFrom.filter((each) => !after?.allowFrom.includes(each));
    const senders = listOf(found['allowFrom']).filter((each) => !gone.some((sender) => sender === each));
    const kept = after ? { ...found, allowFrom: senders } : customersOwn(found, before, senders);
    if (kept) channels[before.kind] = kept;
    else delete channels[before.kind];
  }
  for (const { kind } of next) {
    const found = inheriting(channels[kind]);
    if (found) channels[kind] = found;
  }
  const { channels: _channels, ...rest } = config;
  return Object.keys(channels).length > 0 ? { ...config, channels } : rest;
}

/**
 * A gateway reads a channel's own reference only where an account takes it over: beside accounts that a customer has
 * named, the default one has to be named as well.
 */
function inheriting(found: Json | undefined): JsonObject | undefined {
  const accounts = isObject(found) ? found['accounts'] : undefined;
  if (!isObject(found) || !isObject(accounts) || Object.keys(accounts).length === 0) return undefined;
  const isNamed = Object.keys(accounts).some((id) => id.trim().toLowerCase() === 'default');
  return isNamed ? undefined : { ...found, accounts: { ...accounts, default: {} } };
}

/** Accounts without the default one that creel has named, which says nothing. */
function ownAccounts(accounts: Json | undefined): Json | undefined {
  if (!isObject(accounts) || !isObject(accounts['default']) || Object.keys(accounts['default']).length > 0)
    return accounts;
  const { default: _named, ...own } = accounts;
  return Object.keys(own).length > 0 ? own : undefined;
}

function customersOwn(found: JsonObject, before: WrittenChannel, senders: Json[]): JsonObject | undefined {
  const ours = new Set(['enabled', 'dmPolicy', 'allowFrom', ...Object.keys(before.secrets)]);
  const accounts = ownAccounts(found['accounts']);
  const own = {
    ...Object.fromEntries(Object.entries(found).filter(([key]) => !ours.has(key) && key !== 'accounts')),
    ...(accounts !== undefined && { accounts }),
  };
  if (senders.length === 0 && Object.keys(own).length === 0) return undefined;
  return { ...own, enabled: false, dmPolicy: 'allowlist', allowFrom: senders };
}

/**
 * A patch for a running gateway: a merge patch (RFC 7396), and the lists in it that lose entries, which must be named.
 */
export type ChannelPatch = { readonly raw: string; readonly replacePaths: readonly string[] };

/**
 * The patch that turns the channels of a config from the previous spec's into the next one's; undefined when they do not
 * differ.
 */
export function channelPatch(
  text: string | undefined,
  previous: readonly WrittenChannel[],
  next: readonly Channel[],
  state: string,
): ChannelPatch | undefined {
  const config = parseObject(text) ?? {};
  const kept = taken(withOwnDefaults(config, [...previous, ...next]), previous, next);
  const before = ofChannels(config);
  const after = overlay(ofChannels(withoutSecretFile(kept, tokenStore)), renderChannels(next, state));
  const change = isObject(after) ? mergePatch(before, after) : undefined;
  return change && { raw: JSON.stringify(change.patch), replacePaths: change.lost };
}

/** The keys of creel's that a default account may override. */
const oursInAccounts = ['enabled', 'dmPolicy', 'allowFrom', 'tokenFile'] as const;

/**
 * A channel's own keys apply to its default account only where `accounts.default` does not override them, and
 * onboarding a second account moves everything there. So creel's keys are taken out of it, and the customer's senders
 * in it join those of the channel.
 */
export function withOwnDefaults(config: JsonObject, channels: readonly WrittenChannel[]): JsonObject {
  const blocks = channelsOf(config);
  const own = channels.flatMap(({ kind, secrets }) => {
    const block = withOwnDefault(blocks[kind], Object.keys(secrets));
    return block === undefined ? [] : [[kind, block] as const];
  });
  return own.length === 0 ? config : { ...config, channels: { ...blocks, ...Object.fromEntries(own) } };
}

function withOwnDefault(block: Json | undefined, secrets: readonly string[]): JsonObject | undefined {
  if (!isObject(block)) return undefined;
  const { tokenFile: _outranks, accounts, ...channel } = block;
  if (!isObject(accounts)) return accounts === undefined ? channel : { ...channel, accounts };
  const ours = new Set<string>([...oursInAccounts, ...secrets]);
  const all = Object.entries(accounts).map(([id, account]) => {
    const isDefault = id.trim().toLowerCase() === 'default' && isObject(account);
    const own = Object.entries(account && isObject(account) ? account : {}).filter(([key]) => !ours.has(key));
    return {
      id,
      account: isDefault ? Object.fromEntries(own) : account,
      senders: isDefault ? account['allowFrom'] : [],
    };
  });
  const senders = [...new Set([...listOf(channel['allowFrom']), ...all.flatMap((each) => listOf(each.senders))])];
  const left = all.filter(({ account }) => all.length > 1 || !isObject(account) || Object.keys(account).length > 0);
  return {
    ...channel,
    ...(senders.length > 0 && { allowFrom: senders }),
    ...(left.length > 0 && { accounts: Object.fromEntries(left.map(({ id, account }) => [id, account])) }),
  };
}

/** The parts of a config that say who is heard where. */
function ofChannels(config: JsonObject): JsonObject {
  const { secrets } = config;
  return { channels: channelsOf(config), ...(secrets !== undefined && { secrets }) };
}

function channelsOf(config: JsonObject): JsonObject {
  return isObject(config['channels']) ? config['channels'] : {};
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

/**
 * A config's text with the channels of these kinds off, no matter who added them. Others are left to the gateway to
 * judge.
 */
export function channelsOff(text: string, kinds: readonly string[]): string {
  const config = parseObject(text) ?? {};
  if (!isObject(config['channels'])) return text;
  const channels = Object.entries(config['channels']).map(([kind, block]) => [
    kind,
    isObject(block) && kinds.includes(kind) ? { ...block, enabled: false } : block,
  ]);
  return `${JSON.stringify({ ...config, channels: Object.fromEntries(channels) }, undefined, 2)}\n`;
}
