import JSON5 from 'json5';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys; undefined where the path leads nowhere. */
export function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((found, key) => (isObject(found) ? found[key] : undefined), value);
}

/** The object at a path of keys; an empty one where there is none. */
export function objectAt(value: JsonObject, path: readonly string[]): JsonObject {
  const found = at(value, path);
  return isObject(found) ? found : {};
}

/** The config with this object in a block of it; neither stays where it is empty. */
export function withBlock(
  config: JsonObject,
  [outer, inner]: readonly [string, string],
  value: JsonObject,
): JsonObject {
  const { [outer]: block, ...rest } = config;
  const { [inner]: _former, ...beside } = isObject(block) ? block : {};
  const next = Object.keys(value).length > 0 ? { ...beside, [inner]: value } : beside;
  return Object.keys(next).length > 0 ? { ...rest, [outer]: next } : rest;
}

/**
 * The object in a text, read as a gateway reads it: comments and trailing commas are fine (JSON5). Undefined for a torn
 * or wrongly edited one, with which a gateway would not start either.
 */
export function parseObject(text: string | undefined): JsonObject | undefined {
  const read = readObject(text);
  return typeof read === 'string' ? undefined : read;
}

/** Why a text is not an object, in words; undefined when it is one, or when the text is empty. */
export function whyUnreadable(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const read = readObject(text);
  return typeof read === 'string' ? read : undefined;
}

function readObject(text: string | undefined): JsonObject | string {
  if (text === undefined) return 'it is not there';
  try {
    const parsed = JSON5.parse<Json>(text);
    return isObject(parsed) ? parsed : 'it is not an object';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Objects are merged, lists keep their entries and gain the missing ones, anything else is replaced by `over`. */
export function overlay(base: Json | undefined, over: Json): Json {
  if (Array.isArray(base) && Array.isArray(over)) return [...base, ...over.filter((each) => !holds(base, each))];
  if (!isObject(base) || !isObject(over)) return over;
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(over)) result[key] = overlay(base[key], value);
  return result;
}

function holds(list: readonly Json[], wanted: Json): boolean {
  return list.some((each) => each === wanted || JSON.stringify(each) === JSON.stringify(wanted));
}
