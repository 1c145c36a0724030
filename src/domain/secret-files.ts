import { isObject, objectAt, parseObject, withBlock, type Json, type JsonObject } from './json.js';

/**
 * Secrets lie in files of the state, and a config refers to them: nothing of one stands in the config, in its copies, or
 * in what a person shows of it.
 */

/** What a config says of such a file, by the name that its references give it. */
export function secretFile(store: string, path: string): JsonObject {
  return { secrets: { providers: { [store]: { source: 'file', path, mode: 'json' } } } };
}

/** What stands in a config in the place of a secret. */
export function referenceTo(store: string, entry: string): JsonObject {
  return { source: 'file', provider: store, id: `/${entry}` };
}

/** Whether a value is a reference to a secret in this file. */
export function isReferenceTo(store: string, value: Json | undefined): boolean {
  return isObject(value) && value['source'] === 'file' && value['provider'] === store;
}

/** A config that does not name this file. */
export function withoutSecretFile(config: JsonObject, store: string): JsonObject {
  const { [store]: _file, ...files } = objectAt(config, ['secrets', 'providers']);
  return withBlock(config, ['secrets', 'providers'], files);
}

/** What the text of a file of secrets says, by entry; nothing where it is none. */
export function secretsIn(text: string | undefined): Readonly<Record<string, string>> {
  const entries = Object.entries(parseObject(text) ?? {});
  return Object.fromEntries(entries.filter((each): each is [string, string] => typeof each[1] === 'string'));
}

/** The text of a file of secrets. */
export function secretsText(secrets: Readonly<Record<string, string>>): string {
  return `${JSON.stringify(secrets)}\n`;
}
