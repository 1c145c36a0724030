import { at, isObject, overlay, parseObject, type Json, type JsonObject } from '../json.js';
import { mergePatch, type MergePatch } from '../merge-patch.js';
import type { Extras } from './extras.js';

/** One setting: its path, and what it says. A table counts by what is in it, unless nothing is. */
export type Setting = { readonly path: readonly string[]; readonly value: Json };

/** Every setting of a config, in its order. */
export function settingsIn(config: JsonObject, above: readonly string[] = []): Setting[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const path = [...above, key];
    return isObject(value) && Object.keys(value).length > 0 ? settingsIn(value, path) : [{ path, value }];
  });
}

/**
 * A config without what creel wrote for `[config]` and the next one does not say: settings that still say what was
 * written, and of lists the entries that were. What somebody has put in their place, or added to a list, is theirs and
 * stays.
 */
export function withoutExtras(config: JsonObject, previous: readonly Extras[], next: Extras | undefined): JsonObject {
  const gone = previous.flatMap((each) => settingsIn(each)).filter(({ path, value }) => !isSame(at(next, path), value));
  return gone.reduce((result, setting) => taken(result, setting, at(next, setting.path)), config);
}

function taken(config: JsonObject, { path, value }: Setting, next: Json | undefined): JsonObject {
  const found = at(config, path);
  if (found === undefined) return config;
  if (!Array.isArray(found) || !Array.isArray(value)) return isSame(found, value) ? without(config, path) : config;
  const stays = Array.isArray(next) ? next : [];
  const isIn = (list: readonly Json[], each: Json) => list.some((own) => isSame(own, each));
  const left = found.filter((each) => !isIn(value, each) || isIn(stays, each));
  if (left.length === found.length) return config;
  return left.length > 0 ? put(config, path, left) : without(config, path);
}

/** The settings of `[config]` that a config does not have, or has otherwise. */
export function missingExtras(config: JsonObject, extras: Extras): Setting[] {
  return settingsIn(extras).filter(({ path, value }) => {
    const found = at(config, path);
    if (!Array.isArray(found) || !Array.isArray(value)) return found === undefined || !isSame(found, value);
    return !value.every((own) => found.some((each) => isSame(own, each)));
  });
}

/** What turns a config from previous specs' `[config]` into the next one, and every setting that is another one then. */
export type ExtrasPatch = MergePatch & { readonly changed: readonly (readonly string[])[] };

/** That patch; undefined when there is nothing to turn. */
export function extrasPatch(
  text: string | undefined,
  previous: readonly Extras[],
  next: Extras | undefined,
): ExtrasPatch | undefined {
  const config = parseObject(text) ?? {};
  const bare = withoutExtras(config, previous, next);
  const after = overlay(bare, next ?? {});
  if (!isObject(after)) return undefined;
  const patch = mergePatch(config, after);
  if (!patch) return undefined;
  const all = [...settingsIn(config), ...settingsIn(after)];
  const paths = new Map(all.map(({ path }) => [JSON.stringify(path), path]));
  const changed = [...paths.values()].filter((path) => !isSame(at(config, path), at(after, path)));
  return { ...patch, changed };
}

function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function put(config: JsonObject, [key, ...rest]: readonly string[], value: Json): JsonObject {
  if (key === undefined) return config;
  const inner = config[key];
  return { ...config, [key]: rest.length === 0 ? value : put(isObject(inner) ? inner : {}, rest, value) };
}

/** Without the setting, and without the tables that it leaves empty. */
function without(config: JsonObject, [key, ...rest]: readonly string[]): JsonObject {
  if (key === undefined) return config;
  const { [key]: inner, ...beside } = config;
  if (rest.length === 0 || !isObject(inner)) return beside;
  const left = without(inner, rest);
  return Object.keys(left).length > 0 ? { ...config, [key]: left } : beside;
}
