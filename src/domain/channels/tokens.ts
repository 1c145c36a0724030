import { at, isObject, type Json, type JsonObject } from '../json.js';
import { isReferenceTo, referenceTo, secretFile, secretsIn, secretsText } from '../secret-files.js';
import type { Secret } from '../secret.js';
import type { Channel } from './channel.js';

/** Where the tokens lie in the state: a file of the gateway's user alone, in a directory of that user alone. */
export const tokensFile = 'secrets/channel-tokens.json';

/** The name under which a config knows that file. */
export const tokenStore = 'creel-channels';

/** A channel of a spec with the secrets it refers to. */
export type ResolvedChannel = { readonly channel: Channel; readonly secrets: Readonly<Record<string, Secret>> };

/** The tokens of a gateway's channels, by their entry in the file. */
export type ChannelTokens = Readonly<Record<string, string>>;

/** What a token is called in that file: no provider of a model has such a name. */
export function tokenEntry(kind: string, key: string): string {
  return `${kind}.${key}`;
}

/** What stands in a channel's block in the place of its token. */
export function tokenReference(kind: string, key: string): JsonObject {
  return referenceTo(tokenStore, tokenEntry(kind, key));
}

/** What a config says of the file. */
export function tokenFile(state: string): JsonObject {
  return secretFile(tokenStore, `${state}/${tokensFile}`);
}

/** The file's text with the stored tokens. */
export function tokensText(channels: readonly ResolvedChannel[]): string {
  const entries = channels.flatMap(({ channel, secrets }) =>
    Object.entries(secrets).map(([key, secret]) => [tokenEntry(channel.kind, key), secret.reveal()] as const),
  );
  return secretsText(Object.fromEntries(entries));
}

/**
 * The tokens with which a gateway's channels run, as far as its config and the file say: an older creel wrote them into
 * the config itself. Onboarding a second account moves what a channel says into its default account, which counts more.
 */
export function tokensIn(config: JsonObject, file: string | undefined, channels: readonly Channel[]): ChannelTokens {
  const lying = secretsIn(file);
  const entries = channels.flatMap(({ kind, secrets }) =>
    Object.keys(secrets).flatMap((key) => {
      const entry = tokenEntry(kind, key);
      const said = saidOf(at(config, ['channels', kind]), key);
      const token = typeof said === 'string' ? said : isReferenceTo(tokenStore, said) ? lying[entry] : undefined;
      return token === undefined ? [] : [[entry, token] as const];
    }),
  );
  return Object.fromEntries(entries);
}

function saidOf(block: Json | undefined, key: string): Json | undefined {
  const accounts = at(block, ['accounts']);
  const all = Object.entries(isObject(accounts) ? accounts : {});
  const own = all.find(([id]) => id.trim().toLowerCase() === 'default')?.[1];
  return at(own, [key]) ?? at(block, [key]);
}
