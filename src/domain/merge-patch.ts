import { isObject, type Json, type JsonObject } from './json.js';

/** A merge patch (RFC 7396), and the paths of lists in it that lose entries, which a gateway wants named. */
export type MergePatch = { readonly patch: JsonObject; readonly lost: readonly string[] };

/** What turns one object into another; undefined when they say the same. */
export function mergePatch(before: JsonObject, after: JsonObject): MergePatch | undefined {
  const lost: string[] = [];
  const patch = compare(before, after, '', lost);
  return Object.keys(patch).length > 0 ? { patch, lost } : undefined;
}

function compare(before: JsonObject, after: JsonObject, at: string, lost: string[]): JsonObject {
  const patch: JsonObject = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, next] = [before[key], after[key]];
    if (next === undefined) {
      lost.push(...listsIn(old, `${at}${key}`));
      patch[key] = null;
    } else if (isObject(old) && isObject(next)) {
      const inner = compare(old, next, `${at}${key}.`, lost);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (JSON.stringify(old) !== JSON.stringify(next)) {
      if (loses(old, next)) lost.push(...listsIn(old, `${at}${key}`));
      patch[key] = next;
    }
  }
  return patch;
}

/** The paths of the non-empty lists that a value contains. */
function listsIn(value: Json | undefined, at: string): string[] {
  if (Array.isArray(value)) return value.length > 0 ? [at] : [];
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => listsIn(inner, `${at}.${key}`));
}

function loses(before: Json | undefined, after: Json): boolean {
  if (!Array.isArray(before)) return false;
  return !Array.isArray(after) || before.some((each) => !after.includes(each));
}
