import { jsonBytes } from '../cut.js';
import { Refused } from '../errors.js';
import { findWeakness, pathText, type Path } from '../gateway/weakness.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import { extrasBytes } from '../thresholds.js';
import { hasSecretForm, namesSecret } from './secret-forms.js';
import { leadsToOwned, whyOwned, type Beside } from './owned.js';

/** Whatever else a spec wants in `openclaw.json`, in its words: nothing that creel owns, and no secret. */
export type Extras = JsonObject;

/** How deep tables may lie in tables. */
const deepest = 12;

/** `[config]` as it arrives, or `Refused` by the name of the key. No value is echoed. Undefined for an empty one. */
export function extrasOf(raw: unknown, beside: Beside): Extras | undefined {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new Refused('config must be a table');
  const weak = findWeakness(raw, ['config']);
  if (weak) throw new Refused(weak.fault);
  const config = writtenExtras(raw);
  demandOpen(config, '', ['config']);
  demandForeign(config, [], beside);
  return Object.keys(config).length > 0 ? config : undefined;
}

/**
 * The same as creel has written it once: its form and its size. What a spec may say by now is not held against what an
 * earlier one said.
 */
export function writtenExtras(raw: object): Extras {
  const config = objectOf(raw, ['config']);
  const bytes = jsonBytes(config);
  if (bytes > extrasBytes)
    throw new Refused(
      `config takes ${bytes} bytes as JSON: ${extrasBytes} at most. What is larger lies better in a file of the workspace, or is set in the gateway itself: creel leaves it there`,
    );
  return config;
}

function objectOf(raw: object, at: Path): JsonObject {
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => {
      demandKey(key, at);
      return [key, valueOf(value, [...at, key])];
    }),
  );
}

function demandKey(key: string, at: Path): void {
  const place = pathText(at);
  if (key === '$include')
    throw new Refused(`${place} includes another file: creel writes openclaw.json alone. Write here what it says`);
  if (!/^[\x20-\x7e]{1,128}$/.test(key) || key === '__proto__')
    throw new Refused(`${place} has a key that no config takes: 1 to 128 ordinary characters`);
}

function valueOf(value: unknown, at: Path): Json {
  const place = pathText(at);
  if (at.length > deepest) throw new Refused(`${pathText(at.slice(0, 4))}… lies more than ${deepest} tables deep`);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string') return textOf(value, at);
  if (Array.isArray(value)) return value.map((each: unknown, index) => valueOf(each, [...at, index]));
  if (value instanceof Date) throw new Refused(`${place} is a date: a gateway takes it as text, in quotes`);
  if (typeof value === 'object' && value !== null) return objectOf(value, at);
  throw new Refused(`${place} must be a text, a number, true, false, a list or a table`);
}

function textOf(text: string, at: Path): string {
  if (/[^\P{Cc}\t\n]/u.test(text)) throw new Refused(`${pathText(at)} has control characters`);
  return text;
}

/** No text in it is a secret, by its form or by its name. */
function demandOpen(value: Json, name: string, at: Path): void {
  if (typeof value === 'string') return demandNoSecret(value, name, at);
  if (Array.isArray(value)) for (const [index, each] of value.entries()) demandOpen(each, name, [...at, index]);
  else if (isObject(value)) for (const [key, each] of Object.entries(value)) demandOpen(each, key, [...at, key]);
}

function demandNoSecret(text: string, name: string, at: Path): void {
  if (!hasSecretForm(text) && !namesSecret(name)) return;
  const why = hasSecretForm(text) ? 'has the form of a secret' : 'is a secret by its name';
  throw new Refused(`${pathText(at)} ${why}, and everybody may read a spec. ${cureOf(at)}`);
}

/** Where a secret belongs that was found in a config. */
function cureOf([, root]: Path): string {
  if (root === 'models') return 'A key of a model goes into [[models]] as key = "secret:NAME"';
  if (root === 'channels') return 'The token of a channel goes into [[channels]] as "secret:NAME"';
  return 'Keep it in the gateway’s own store and write the reference: { source = "store", provider = "default", id = "NAME" }';
}

/** Nothing in it is creel's own, or belongs into another table of the spec. */
function demandForeign(value: JsonObject, at: readonly string[], beside: Beside): void {
  for (const [key, inner] of Object.entries(value)) {
    const path = [...at, key];
    const why = whyOwned(path, beside);
    if (why !== undefined) throw new Refused(`config.${path.join('.')} is refused: ${why}`);
    if (isObject(inner)) demandForeign(inner, path, beside);
    else if (leadsToOwned(path)) throw new Refused(`config.${path.join('.')} must be a table`);
  }
}
