import ms from 'ms';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { channelFrom, demandFewSenders, tokenForms, writtenKey, type Channel } from '../domain/channels/channel.js';
import { Refused } from '../domain/errors.js';
import { gatewaySpec, memory, type GatewaySpec } from '../domain/gateway/spec.js';
import { releaseVersion } from '../domain/release/release.js';
import { keepStateMs } from '../domain/thresholds.js';

/** A spec as people write it: on the command line, in `gateway.toml`. Every field may be missing until all sources are merged. */
export type Draft = z.infer<typeof draftForm>;

/** Memory of a gateway whose spec names none: S0-25 (765 MiB idle) with room for an agent at work. */
const usualMemoryMb = 2048;
const usualCpus = 2;

/** Stands for a release where only the rest of a draft is held against its forms. */
export const anyRelease = '2026.9.6';

const channelForm = z.strictObject({
  kind: z.enum(['telegram', 'discord', 'slack'], 'must be telegram, discord or slack'),
  allow_from: z.array(z.string(), 'must be a list of the senders’ ids in quotes').default([]),
  ...Object.fromEntries(secretFields().map((field) => [field, z.string('must be "secret:NAME"').optional()])),
});

const draftForm = z.strictObject({
  release: z.string('must be a version in quotes, for example "2026.9.6"').optional(),
  dev: z.boolean('must be true or false').optional(),
  memory: z.string('must be a size in quotes, for example "2 GB"').optional(),
  cpus: z.number('must be a number, for example 2').optional(),
  keep_state: z.string('must be a duration in quotes, for example "14 days"').optional(),
  keep_former: z.string('must be a duration in quotes, for example "7 days"').optional(),
  park_for: z.string('must be a duration in quotes, for example "30 minutes"').optional(),
  rotation: z.enum(['manual', 'scheduled'], 'must be "manual" or "scheduled"').optional(),
  channels: z.array(channelForm, 'must be written as [[channels]] tables').optional(),
});

/** What a `gateway.toml` says, or `Refused` with the file, the line or field, and what to write instead. No value of it is echoed. */
export function draftFromToml(text: string, file: string): Draft {
  const raw = parseToml(text, file);
  const weak = findWeakness(raw, '');
  if (weak) throw new Refused(`${file}: ${weak}`);
  const parsed = draftForm.safeParse(raw);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${file}: ${describeIssue(issue)}`);
  throw new Refused(faults.join('\n'));
}

/** The spec that a draft asks for, with the defaults filled in, or `Refused` naming the field. */
export function specFrom(draft: Draft): GatewaySpec {
  if (draft.release === undefined) {
    throw new Refused(
      'release is missing: name one version with --release or `release = "…"` in the file. For example: 2026.9.6',
    );
  }
  return gatewaySpec({
    release: releaseVersion(draft.release),
    dev: draft.dev ?? false,
    memoryMb: draft.memory === undefined ? usualMemoryMb : memory(megabytes(draft.memory)),
    cpus: draft.cpus ?? usualCpus,
    keepStateMs: draft.keep_state === undefined ? keepStateMs : milliseconds('keep_state', draft.keep_state),
    parkMs: draft.park_for === undefined ? 0 : milliseconds('park_for', draft.park_for),
    channels: channelsFrom(draft),
    ...(draft.keep_former !== undefined && { keepFormerMs: milliseconds('keep_former', draft.keep_former) }),
    ...(draft.rotation !== undefined && { rotation: draft.rotation }),
  });
}

/** What each field of a draft becomes. */
const fields: { readonly [D in keyof Draft]-?: keyof GatewaySpec } = {
  release: 'release',
  dev: 'dev',
  memory: 'memoryMb',
  cpus: 'cpus',
  keep_state: 'keepStateMs',
  keep_former: 'keepFormerMs',
  park_for: 'parkMs',
  rotation: 'rotation',
  channels: 'channels',
};

/** The spec of a gateway that lives, as a draft has it: what the draft does not say stays as it is on record. Or `Refused`. */
export function specOver(onRecord: GatewaySpec, draft: Draft): GatewaySpec {
  const asked = specFrom({ release: onRecord.release, ...draft });
  const said = Object.entries(fields).flatMap(([name, field]) => (Object.hasOwn(draft, name) ? [field] : []));
  return gatewaySpec({ ...onRecord, ...Object.fromEntries(said.map((field) => [field, asked[field]])) });
}

/** The channels of a draft, none when it names none. */
export function channelsFrom(draft: Draft): Channel[] {
  const channels = (draft.channels ?? []).map(readChannel);
  demandFewSenders(channels);
  return channels;
}

/** A size as people write it, in MB: `2 GB`, `1.5gb`, `2048 MB`. 1 GB is 1024 MB. `Refused` without a unit. */
export function megabytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(MB|MiB|GB|GiB)\s*$/i.exec(text);
  if (!match?.[1] || !match[2]) {
    throw new Refused(`memory ${JSON.stringify(text)} is not a size: write a number with MB or GB. For example: 2 GB`);
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
  const { kind, allow_from: allowFrom, ...given } = written;
  const secrets = Object.fromEntries(
    Object.entries(given).flatMap(([field, value]) => (value === undefined ? [] : [[camel(field), value]])),
  );
  return channelFrom({ kind, secrets, allowFrom });
}

function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the position: the parser's message quotes the line, which may hold a token somebody pasted.
    throw new Refused(
      `${file}, line ${error.line}, column ${error.column}: this is not TOML. Strings need quotes, tables brackets, each key its own line`,
    );
  }
}

/** The first weak mode anywhere in what was written (S3-10, S4-40), in whichever spelling, with its place. */
function findWeakness(value: unknown, path: string): string | undefined {
  if (Array.isArray(value)) {
    return firstOf(
      value.map((each, index) => [each, `${path}[${index}]`] as const),
      findWeakness,
    );
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value).map(([key, each]) => [each, path === '' ? key : `${path}.${key}`] as const);
  return firstOf(entries, (each, place) => weakness(each, place) ?? findWeakness(each, place));
}

function firstOf<T>(
  entries: readonly (readonly [unknown, string])[],
  find: (value: unknown, path: string) => T | undefined,
): T | undefined {
  for (const [value, path] of entries) {
    const found = find(value, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function weakness(value: unknown, path: string): string | undefined {
  const name = path.toLowerCase().replaceAll(/[_-]/g, '');
  if (/(^|\.)dangerously[^.]*$/.test(name))
    return `${path} is refused: creel runs no gateway with its guards off. Remove the line`;
  if (/(^|\.)allowinsecureauth$/.test(name) && value !== false) {
    return `${path} is refused: a token would travel in the clear. Remove the line`;
  }
  if (/(^|\.)auth(\.?mode)?$/.test(name) && value === 'none') {
    return `${path} = "none" is refused: every gateway is behind its token. Remove the line`;
  }
  if (/(^|\.)(dm\.?policy|grouppolicy)$/.test(name) && (value === 'open' || value === 'pairing')) {
    return `${path} = "${value}" is refused: list the senders in allow_from instead`;
  }
  return undefined;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1);
  if (issue.code === 'unrecognized_keys') {
    const known = place === '' ? Object.keys(draftForm.shape) : ['kind', 'allow_from', ...secretFields()];
    return `${place === '' ? '' : `${place} has `}unknown ${issue.keys.join(', ')}. It takes: ${known.join(', ')}`;
  }
  return `${place} ${issue.message}`;
}

/** The token fields that channels have in `gateway.toml`: `bot_token`, `token`, `app_token`. */
function secretFields(): string[] {
  const keys = Object.values(tokenForms).flatMap((forms) => Object.keys(forms));
  return [...new Set(keys)].map(writtenKey);
}

function camel(field: string): string {
  return field.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
