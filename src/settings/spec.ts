import ms from 'ms';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { channelFrom, demandFewSenders, tokenForms, writtenKey, type Channel } from '../domain/channels/channel.js';
import { Refused } from '../domain/errors.js';
import { environmentOf, type Environment } from '../domain/environment/environment.js';
import { demandTimezone, timezoneOf } from '../domain/environment/timezone.js';
import { extrasOf, type Extras } from '../domain/extras/extras.js';
import { disk, gatewaySpec, memory, type GatewaySpec } from '../domain/gateway/spec.js';
import { findWeakness, pathText, type Path } from '../domain/gateway/weakness.js';
import { machineWish } from '../domain/hosts/machine-wish.js';
import { modelsOf, type Models } from '../domain/models/models.js';
import { releaseVersion } from '../domain/release/release.js';
import { keepStateMs } from '../domain/thresholds.js';
import { inOrder, type Fault } from './fault.js';
import { lineOfField } from './toml-line.js';

/**
 * A spec as people write it, on the command line or in `gateway.toml`. Until all sources are merged, any field may be
 * missing.
 */
export type Draft = z.infer<typeof draftForm>;

/** What a `gateway.toml` says: a draft, maybe the id of its gateway and the host on which it begins, and a tier that stands for what it leaves out. */
type Written = z.infer<typeof fileForm>;

/** The memory of a gateway whose spec names none: S0-25 (765 MiB idle), and room for an agent at work. */
const usualMemoryMb = 2048;
const usualCpus = 2;

/** Stands in for a release when only the rest of a draft is checked. */
export const anyRelease = '2026.9.6';

const channelForm = z.strictObject({
  kind: z.enum(['telegram', 'discord', 'slack', 'whatsapp'], 'must be telegram, discord, slack or whatsapp'),
  allow_from: z.array(z.string(), 'must be a list of the senders’ ids in quotes').default([]),
  pair_senders: z.boolean('must be true or false').optional(),
  ...Object.fromEntries(secretFields().map((field) => [field, z.string('must be "secret:NAME"').optional()])),
});

const providerForm = z.strictObject({
  provider: z.string('must be a name in quotes, for example "anthropic"'),
  key: z.string('must be "secret:NAME"').optional(),
  base_url: z.string('must be an address in quotes').optional(),
  api: z.string('must be a word in quotes, for example "openai-completions"').optional(),
  names: z.array(z.string(), 'must be a list of models in quotes').optional(),
});

const machineForm = z.strictObject({
  provider: z.string('must be "lightsail"'),
  region: z.string('must be a region in quotes, for example "eu-central-1"'),
  size: z.string('must be a size in quotes, for example "medium_3_0"').optional(),
  address: z.string('must be "static"').optional(),
});

const draftForm = z.strictObject({
  release: z.string('must be a version in quotes, for example "2026.9.6"').optional(),
  dev: z.boolean('must be true or false').optional(),
  memory: z.string('must be a size in quotes, for example "2 GB"').optional(),
  cpus: z.number('must be a number, for example 2').optional(),
  disk: z.string('must be a size in quotes, for example "10 GB"').optional(),
  keep_state: z.string('must be a duration in quotes, for example "14 days"').optional(),
  keep_former: z.string('must be a duration in quotes, for example "7 days"').optional(),
  park_for: z.string('must be a duration in quotes, for example "30 minutes"').optional(),
  rotation: z.enum(['manual', 'scheduled'], 'must be "manual" or "scheduled"').optional(),
  repair: z.enum(['manual', 'scheduled'], 'must be "manual" or "scheduled"').optional(),
  fence: z.enum(['on', 'off'], 'must be "on" or "off"').optional(),
  channels: z.array(channelForm, 'must be written as [[channels]] tables').optional(),
  model: z.string('must be "provider/model", for example "anthropic/claude-opus-5"').optional(),
  fallbacks: z.array(z.string(), 'must be a list of "provider/model"').optional(),
  prove_turn: z.boolean('must be true or false').optional(),
  models: z.array(providerForm, 'must be written as [[models]] tables').optional(),
  timezone: z.string('must be a time zone in quotes, for example "Europe/Berlin"').optional(),
  environment: z.record(z.string(), z.unknown(), 'must be written as an [environment] table').optional(),
  config: z.record(z.string(), z.unknown(), 'must be written as a [config] table').optional(),
  machine: machineForm.optional(),
});

const fileForm = draftForm.extend({
  id: z.string('must be a gateway id in quotes, for example "g42"').optional(),
  host: z.string('must be the name of a host in quotes, for example "b1"').optional(),
  tier: z.string('must be the name of a tier in quotes, for example "small"').optional(),
});

/**
 * What a `gateway.toml` says, or `Refused` with the file, the line and field, and what to write instead. No value is
 * echoed.
 */
export function draftFromToml(text: string, file: string): Written {
  const { written, faults } = readDraft(text, file);
  if (!written || faults.length > 0) throw new Refused(inOrder(faults).join('\n'));
  return written;
}

/**
 * What of a `gateway.toml` has the right form, the fields that have not, and what is wrong with each of them. Nothing of
 * it counts where it is not TOML, or turns a guard off.
 */
export function readDraft(
  text: string,
  file: string,
): { readonly written?: Written; readonly malformed: readonly string[]; readonly faults: readonly Fault[] } {
  const raw = parseToml(text, file);
  const weak = findWeakness(raw, []);
  if (weak) throw new Refused(`${placeIn(text, file, weak.at)}: ${weak.fault}`);
  const parsed = fileForm.safeParse(raw);
  if (parsed.success) return { written: parsed.data, malformed: [], faults: [] };
  const paths = parsed.error.issues.map(pathOf);
  const faults = parsed.error.issues.map((issue) => ({
    said: `${placeIn(text, file, pathOf(issue))}: ${describeIssue(issue)}`,
    line: lineOfField(text, pathOf(issue)),
  }));
  const malformed = [...new Set(paths.map(([field]) => String(field)))];
  const rest = Object.entries(Object(raw)).filter(([field]) => !malformed.includes(field));
  const written = fileForm.safeParse(Object.fromEntries(rest)).data;
  return { ...(written && { written }), malformed, faults };
}

/**
 * Every part of a draft that no gateway can have, with its file, its line and what to write instead. Settings that make
 * one field of a spec are held to it together.
 */
export function draftFaults(draft: Draft, text: string, file: string): Fault[] {
  const { config, ...others } = draft;
  const faults = faultsOfFields(others, text, file);
  if (config === undefined || faults.length > 0) return faults;
  try {
    extrasFrom(draft);
    return [];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const path = /^config(?:\.[\w-]+)*/.exec(error.message)?.[0].split('.') ?? [];
    return [{ said: `${placeIn(text, file, path)}: ${error.message}`, line: lineOfField(text, path) }];
  }
}

function faultsOfFields(draft: Draft, text: string, file: string): Fault[] {
  return [...new Set(Object.values(fields))].flatMap((field) => {
    const names = Object.entries(fields).flatMap(([name, of]) =>
      of === field && Object.hasOwn(draft, name) ? [name] : [],
    );
    const part = Object.entries(draft).filter(([name]) => names.includes(name));
    try {
      specFrom({ release: anyRelease, ...Object.fromEntries(part) });
      return [];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const line = Math.min(...names.map((name) => lineOfField(text, [name]) ?? Infinity));
      return [{ said: `${names.length === 1 ? placeIn(text, file, names) : file}: ${error.message}`, line }];
    }
  });
}

function placeIn(text: string, file: string, path: Path): string {
  const line = lineOfField(text, path);
  return line === undefined ? file : `${file}, line ${line}`;
}

/** Where an issue is: at the field itself, and for an unknown field at that. */
function pathOf(issue: z.core.$ZodIssue): Path {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  return issue.code === 'unrecognized_keys' ? [...path, issue.keys[0] ?? ''] : path;
}

/** The spec that a draft asks for, with the defaults filled in, or `Refused` naming the field. */
export function specFrom(draft: Draft): GatewaySpec {
  if (draft.release === undefined) {
    throw new Refused(
      'release is missing: name one version with --release or `release = "…"` in the file. For example: 2026.9.6',
    );
  }
  const models = modelsFrom(draft);
  const config = extrasFrom(draft);
  const environment = environmentFrom(draft);
  return gatewaySpec({
    release: releaseVersion(draft.release),
    dev: draft.dev ?? false,
    memoryMb: draft.memory === undefined ? usualMemoryMb : memory(megabytes(draft.memory)),
    cpus: draft.cpus ?? usualCpus,
    ...(draft.disk !== undefined && { diskMb: disk(megabytes(draft.disk, 'disk')) }),
    keepStateMs: draft.keep_state === undefined ? keepStateMs : milliseconds('keep_state', draft.keep_state),
    parkMs: draft.park_for === undefined ? 0 : milliseconds('park_for', draft.park_for),
    channels: channelsFrom(draft),
    ...(draft.keep_former !== undefined && { keepFormerMs: milliseconds('keep_former', draft.keep_former) }),
    ...(draft.rotation !== undefined && { rotation: draft.rotation }),
    ...(draft.repair !== undefined && { repair: draft.repair }),
    ...(draft.fence !== undefined && { fence: draft.fence }),
    ...(models && { models }),
    ...(config !== 'none' && { config }),
    ...(draft.timezone !== undefined && { timezone: timezoneFrom(draft.timezone) }),
    ...(environment !== 'none' && { environment }),
    ...(draft.machine !== undefined && { machine: machineWish(draft.machine) }),
  });
}

/** The field of a spec that each field of a draft becomes. */
const fields: { readonly [D in keyof Draft]-?: keyof GatewaySpec } = {
  release: 'release',
  dev: 'dev',
  memory: 'memoryMb',
  cpus: 'cpus',
  disk: 'diskMb',
  keep_state: 'keepStateMs',
  keep_former: 'keepFormerMs',
  park_for: 'parkMs',
  rotation: 'rotation',
  repair: 'repair',
  fence: 'fence',
  channels: 'channels',
  model: 'models',
  fallbacks: 'models',
  prove_turn: 'models',
  models: 'models',
  config: 'config',
  timezone: 'timezone',
  environment: 'environment',
  machine: 'machine',
};

/** The spec of a living gateway with a draft over it: what the draft leaves out stays as recorded. Or `Refused`. */
export function specOver(onRecord: GatewaySpec, draft: Draft): GatewaySpec {
  const asked = specFrom({ release: onRecord.release, ...draft });
  const said = Object.entries(fields).flatMap(([name, field]) => (Object.hasOwn(draft, name) ? [field] : []));
  return gatewaySpec({ ...onRecord, ...Object.fromEntries(said.map((field) => [field, asked[field]])) });
}

/** The channels of a draft; none when it names none. */
export function channelsFrom(draft: Draft): Channel[] {
  const channels = (draft.channels ?? []).map(readChannel);
  demandFewSenders(channels);
  return channels;
}

/** The models of a draft; undefined when it says nothing of any. */
export function modelsFrom({ model, fallbacks, prove_turn: proveTurn, models = [] }: Draft): Models | undefined {
  const isNone = model === undefined && fallbacks === undefined && proveTurn === undefined && models.length === 0;
  if (isNone) return undefined;
  const providers = models.map(({ provider: id, base_url: baseUrl, names, ...given }) => ({
    id,
    ...given,
    ...(baseUrl !== undefined && { baseUrl }),
    ...(names !== undefined && { models: names }),
  }));
  return modelsOf({ default: model, fallbacks: fallbacks ?? [], proveTurn, providers });
}

/** The `[config]` of a draft, beside its channels and models; "none" when it says nothing. */
export function extrasFrom(draft: Draft): Extras | 'none' {
  const models = modelsFrom(draft);
  const beside = { channels: channelsFrom(draft), ...(models && { models }) };
  return (draft.config && extrasOf(draft.config, beside)) ?? 'none';
}

/** A time zone that there is; "none" for none. */
export function timezoneFrom(text: string): string {
  if (text !== 'none') demandTimezone(timezoneOf(text));
  return text;
}

/** The `[environment]` of a draft; "none" when it says nothing. */
export function environmentFrom({ environment }: Draft): Environment | 'none' {
  return (environment && environmentOf(environment)) ?? 'none';
}

/** A size as people write it, in MB: `2 GB`, `1.5gb`, `2048 MB`. 1 GB is 1024 MB. `Refused` without a unit. */
export function megabytes(text: string, field = 'memory'): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(MB|MiB|GB|GiB)\s*$/i.exec(text);
  if (!match?.[1] || !match[2]) {
    throw new Refused(
      `${field} ${JSON.stringify(text)} is not a size: write a number with MB or GB. For example: 2 GB`,
    );
  }
  const factor = match[2].toLowerCase().startsWith('g') ? 1024 : 1;
  return Math.round(Number(match[1]) * factor);
}

/** A duration as people write it, in ms: `14 days`, `30 minutes`, `2h`, `0`. `Refused` without a unit. */
export function milliseconds(field: string, text: string): number {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  const value = /^\d+(?:\.\d+)?\s*[a-z]+$/i.test(trimmed) ? parseDuration(trimmed) : undefined;
  if (value === undefined) {
    throw new Refused(
      `${field} ${JSON.stringify(text)} is not a duration: write a number with a unit. For example: 14 days, 30 minutes, 0`,
    );
  }
  return Math.round(value);
}

function parseDuration(text: string): number | undefined {
  const value: unknown = ms(text as ms.StringValue);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function readChannel(written: NonNullable<Draft['channels']>[number]): Channel {
  const { kind, allow_from: allowFrom, pair_senders: pairSenders, ...given } = written;
  const secrets = Object.fromEntries(
    Object.entries(given).flatMap(([field, value]) => (value === undefined ? [] : [[camel(field), value]])),
  );
  return channelFrom({ kind, secrets, allowFrom, pairSenders });
}

function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the position: the parser's message quotes the line, which may hold a pasted token.
    throw new Refused(
      `${file}, line ${error.line}, column ${error.column}: this is not TOML. Strings need quotes, tables brackets, each key its own line`,
    );
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = pathText(issue.path.map((part) => (typeof part === 'number' ? part : String(part))));
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(tables[String(issue.path[0])] ?? fileForm.shape);
    return `${place === '' ? '' : `${place} has `}unknown ${issue.keys.join(', ')}. It takes: ${known.join(', ')}`;
  }
  return `${place} ${issue.message}`;
}

/** The fields of each kind of table. */
const tables: Readonly<Record<string, object>> = {
  channels: channelForm.shape,
  models: providerForm.shape,
  machine: machineForm.shape,
};

/** The token fields of channels in `gateway.toml`: `bot_token`, `token`, `app_token`. */
function secretFields(): string[] {
  const keys = Object.values(tokenForms).flatMap((forms) => Object.keys(forms));
  return [...new Set(keys)].map(writtenKey);
}

function camel(field: string): string {
  return field.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
