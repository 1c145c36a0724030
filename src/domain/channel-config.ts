import type { Channel } from './channels.js';
import { isObject, overlay, parseObject, type Json, type JsonObject } from './json.js';
import type { Secret } from './secret.js';
import { isEverybody } from './senders.js';

/** A channel of a spec with the secrets that it refers to. */
export type ResolvedChannel = { readonly channel: Channel; readonly secrets: Readonly<Record<string, Secret>> };

/** What creel owns of `channels` in `openclaw.json`: the secrets, and an allow-list for direct messages (S4-40). */
export function renderChannels(channels: readonly ResolvedChannel[]): JsonObject {
  return Object.fromEntries(
    channels.map(({ channel, secrets }) => [
      channel.kind,
      {
        enabled: true,
        ...Object.fromEntries(Object.entries(secrets).map(([key, secret]) => [key, secret.reveal()])),
        dmPolicy: 'allowlist',
        allowFrom: channel.allowFrom.filter((sender) => !isEverybody(sender)),
      },
    ]),
  );
}

/**
 * A config's text without what creel had put there for channels and senders that the next spec does not name any more. What a
 * customer added stays: such a channel is switched off and loses its secrets, any other goes.
 */
export function withoutFormer(
  text: string | undefined,
  former: readonly Channel[],
  next: readonly Channel[],
): string | undefined {
  const config = parseObject(text);
  return config && JSON.stringify(taken(config, former, next));
}

function taken(config: JsonObject, former: readonly Channel[], next: readonly Channel[]): JsonObject {
  if (!isObject(config['channels'])) return config;
  const channels = { ...config['channels'] };
  for (const before of former) {
    const found = channels[before.kind];
    if (!isObject(found)) continue;
    const after = next.find(({ kind }) => kind === before.kind);
    const gone = before.allowFrom.filter((each) => !after?.allowFrom.includes(each));
    const senders = listOf(found['allowFrom']).filter((each) => !gone.some((sender) => sender === each));
    const kept = after ? { ...found, allowFrom: senders } : customersOwn(found, before, senders);
    if (kept) channels[before.kind] = kept;
    else delete channels[before.kind];
  }
  const { channels: _channels, ...rest } = config;
  return Object.keys(channels).length > 0 ? { ...config, channels } : rest;
}

function customersOwn(found: JsonObject, before: Channel, senders: Json[]): JsonObject | undefined {
  const ours = new Set(['enabled', 'dmPolicy', 'allowFrom', ...Object.keys(before.secrets)]);
  const own = Object.fromEntries(Object.entries(found).filter(([key]) => !ours.has(key)));
  if (senders.length === 0 && Object.keys(own).length === 0) return undefined;
  return { ...own, enabled: false, dmPolicy: 'allowlist', allowFrom: senders };
}

/** What a running gateway is told: a merge patch (RFC 7396), and the lists in it that lose entries, which must be named. */
export type ChannelPatch = { readonly raw: string; readonly replacePaths: string[] };

/** The patch that turns the channels of a config's text from the former spec's into the next one's; undefined when nothing differs. */
export function channelPatch(
  text: string | undefined,
  former: readonly Channel[],
  next: readonly ResolvedChannel[],
): ChannelPatch | undefined {
  const config = parseObject(text) ?? {};
  const kept = taken(
    config,
    former,
    next.map(({ channel }) => channel),
  );
  const before = isObject(config['channels']) ? config['channels'] : {};
  const after = overlay(kept['channels'] ?? {}, renderChannels(next));
  if (!isObject(after) || JSON.stringify(after) === JSON.stringify(before)) return undefined;
  const kinds = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const channels = Object.fromEntries(kinds.map((kind) => [kind, blockPatch(before[kind], after[kind])]));
  const replacePaths = kinds
    .filter((kind) => loses(allowFromOf(before[kind]), allowFromOf(after[kind])))
    .map((kind) => `channels.${kind}.allowFrom`);
  return { raw: JSON.stringify({ channels }), replacePaths };
}

function blockPatch(before: Json | undefined, after: Json | undefined): Json {
  if (after === undefined) return null;
  if (!isObject(before) || !isObject(after)) return after;
  const gone = Object.keys(before).filter((key) => !(key in after));
  return { ...after, ...Object.fromEntries(gone.map((key) => [key, null])) };
}

function allowFromOf(block: Json | undefined): Json[] {
  return isObject(block) ? listOf(block['allowFrom']) : [];
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function loses(before: readonly Json[], after: readonly Json[]): boolean {
  return before.some((each) => !after.includes(each));
}
