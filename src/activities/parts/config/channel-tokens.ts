import { writtenKey } from '../../../domain/channels/channel.js';
import { tokenEntry, tokensFile, tokensIn, tokensText, type ChannelTokens } from '../../../domain/channels/tokens.js';
import { configFile, stateDirectory } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Written } from '../../../domain/gateway/written-config.js';
import { parseObject } from '../../../domain/json.js';
import { providersKept, takenBackFile } from '../../../domain/keys/taken-back.js';
import { secretsIn, secretsText } from '../../../domain/secret-files.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';
import { resolveChannels } from './channel-secrets.js';
import { sealingKey } from './model-keys.js';

/** What a file of tokens is to say, and what is to be said of tokens that stay although others are stored. */
export type WantedTokens = { readonly text: string | undefined; readonly said?: string };

/** The text of the file with the stored tokens of a gateway's channels. A missing one is `Refused`. */
export async function storedTokens(deps: Deps, gateway: Gateway): Promise<string> {
  return tokensText(await resolveChannels(deps, gateway));
}

/** The tokens with which a gateway's channels run; a channel that has none yet is not among them. */
export async function readTokens(deps: Deps, gateway: Gateway, { id }: Container): Promise<ChannelTokens> {
  const engine = deps.engineAt(gateway.place);
  const file = await engine.readFile(id, `${stateDirectory}/${tokensFile}`);
  const config = parseObject(await engine.readFile(id, `${stateDirectory}/${configFile}`)) ?? {};
  return tokensIn(config, file, gateway.spec.channels);
}

/**
 * What the file of tokens must say: nothing where creel never wrote one; no token where the spec has no channel any
 * more; and the token in force where the stored one is one that a change has taken back.
 */
export async function wantedTokens(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  before: Written,
): Promise<WantedTokens> {
  if (gateway.spec.channels.length === 0 && before.channels.length === 0) return { text: undefined };
  const text = await storedTokens(deps, gateway);
  const [wanted, inForce] = [secretsIn(text), await readTokens(deps, gateway, container)];
  const engine = deps.engineAt(gateway.place);
  const marks = await engine.readFile(container.id, `${stateDirectory}/${takenBackFile}`);
  const kept = providersKept(sealingKey(deps, gateway), marks, wanted, inForce);
  if (kept.length === 0) return { text };
  const tokens = Object.entries(wanted).map(([entry, token]) => [
    entry,
    kept.includes(entry) ? (inForce[entry] ?? token) : token,
  ]);
  return { text: secretsText(Object.fromEntries(tokens)), said: staysSaid(gateway, kept) };
}

/**
 * The tokens that are in force, for a restart that is about something else: another one that is stored by now is tried
 * by a change of channels alone. A channel without one gets the stored one. Undefined where there are no channels.
 */
export async function tokensInForce(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  const { channels } = gateway.spec;
  if (channels.length === 0) return undefined;
  const inForce = await readTokens(deps, gateway, container);
  const without = channels.filter(({ kind, secrets }) =>
    Object.keys(secrets).some((key) => inForce[tokenEntry(kind, key)] === undefined),
  );
  const rest = await storedTokens(deps, { ...gateway, spec: { ...gateway.spec, channels: without } });
  return secretsText({ ...secretsIn(rest), ...inForce });
}

function staysSaid({ mark, spec }: Gateway, kept: readonly string[]): string {
  const named = spec.channels.flatMap(({ kind, secrets }) =>
    Object.entries(secrets)
      .filter(([key]) => kept.includes(tokenEntry(kind, key)))
      .map(
        ([key, reference]) =>
          `channel ${kind} keeps the ${writtenKey(key)} that it had: the stored ${reference.replace(/^secret:/, '')} is one that a change of channels has taken back`,
      ),
  );
  return `${named.join('; ')}. \`creel change ${mark.gateway} --channels gateway.toml\` tries it again, \`creel secret set\` stores another`;
}
