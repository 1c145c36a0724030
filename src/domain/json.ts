import JSON5 from 'json5';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What lies at a path of keys; undefined where the path leads nowhere. */
export function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((found, key) => (isObject(found) ? found[key] : undefined), value);
}

/**
 * The object that a text is, read as a gateway reads it: comments and trailing commas are welcome (JSON5). Undefined for a torn
 * or hand-broken one, on which a gateway itself would refuse to start.
 */
export function parseObject(text: string | undefined): JsonObject | undefined {
  const read = readObject(text);
  return typeof read === 'string' ? undefined : read;
}

/** Why a text with something in it is no object, in words; undefined when it is one, or when there is nothing in it. */
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

/** Objects merge, lists keep what they have and gain what is missing, everything else is what lies over it. */
export function overlay(base: Json | undefined, over: Json): Json {
  if (Array.isArray(base) && Array.isArray(over)) return [...base, ...over.filter((each) => !base.includes(each))];
  if (!isObject(base) || !isObject(over)) return over;
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(over)) result[key] = overlay(base[key], value);
  return result;
}
