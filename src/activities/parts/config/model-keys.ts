import { Refused } from '../../../domain/errors.js';
import { stateDirectory } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { providersKept, takenBackFile } from '../../../domain/keys/taken-back.js';
import { previousKeysKey } from '../../../domain/keys/token.js';
import { keysFile, keysText, type ModelKeys, type OwnKeys } from '../../../domain/models/config.js';
import { isKey, type Provider } from '../../../domain/models/provider.js';
import { secretsIn, secretsText } from '../../../domain/secret-files.js';
import type { Secret } from '../../../domain/secret.js';
import type { Written } from '../../../domain/gateway/written-config.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';

/** Keys that are to be in force, whatever is stored: the text of the file, and what stands in the config itself. */
export type KeysOver = { readonly file: string; readonly own: OwnKeys };

/** The stored keys of a gateway's providers. One that is missing, or no key, is `Refused`, naming how to store it. */
export async function resolveKeys(deps: Deps, { spec }: Gateway): Promise<ModelKeys> {
  const read = async ({ id, key }: Provider): Promise<readonly (readonly [string, Secret])[]> => {
    if (key === undefined) return [];
    const name = key.replace(/^secret:/, '');
    const secret = await deps.secrets.read(name);
    if (isKey(secret.reveal())) return [[id, secret]];
    throw new Refused(
      `provider ${id}: the stored ${name} is no key: it has spaces, line breaks or other letters. Store it again with \`creel secret set ${name}\``,
    );
  };
  return Object.fromEntries((await Promise.all((spec.models?.providers ?? []).map(read))).flat());
}

/** What a file of keys is to say, and what is to be said of keys that stay although others are stored. */
export type WantedKeys = { readonly text: string | undefined; readonly said?: string };

/**
 * What the file of keys must say: nothing where creel never wrote one; no key where the spec names none any more; and
 * what it says already where the stored key is one that a change has taken back.
 */
export async function wantedKeys(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  before: Written,
): Promise<WantedKeys> {
  if (!gateway.spec.models && before.models.length === 0) return { text: undefined };
  const text = keysText(await resolveKeys(deps, gateway));
  const engine = deps.engineAt(gateway.place);
  const found = await engine.readFile(container.id, `${stateDirectory}/${keysFile}`);
  if (found === undefined || found === text) return { text };
  const marks = await engine.readFile(container.id, `${stateDirectory}/${takenBackFile}`);
  const [wanted, inForce] = [secretsIn(text), secretsIn(found)];
  const kept = providersKept(sealingKey(deps, gateway), marks, wanted, inForce);
  if (kept.length === 0) return { text };
  const keys = Object.entries(wanted).map(([id, key]) => [id, kept.includes(id) ? (inForce[id] ?? key) : key]);
  return { text: secretsText(Object.fromEntries(keys)), said: staysSaid(gateway, kept) };
}

/**
 * The keys that are in force, for a restart that is about something else: another one that is stored by now is tried by
 * a change of models alone. A provider without one gets the stored one. Undefined where creel never wrote any.
 */
export async function keysInForce(
  deps: Deps,
  gateway: Gateway,
  { id }: Container,
): Promise<Pick<KeysOver, 'file'> | undefined> {
  const found = await deps.engineAt(gateway.place).readFile(id, `${stateDirectory}/${keysFile}`);
  const { models } = gateway.spec;
  if (found === undefined || !models) return undefined;
  const inForce = secretsIn(found);
  const providers = models.providers.filter((each) => inForce[each.id] === undefined);
  const rest = await resolveKeys(deps, { ...gateway, spec: { ...gateway.spec, models: { ...models, providers } } });
  const keys = models.providers.flatMap(({ id: provider, key }) => {
    const value = key === undefined ? undefined : (inForce[provider] ?? rest[provider]?.reveal());
    return value === undefined ? [] : [[provider, value] as const];
  });
  return { file: secretsText(Object.fromEntries(keys)) };
}

function staysSaid({ mark, spec }: Gateway, kept: readonly string[]): string {
  const named = (spec.models?.providers ?? [])
    .filter(({ id }) => kept.includes(id))
    .map(
      ({ id, key }) =>
        `provider ${id} keeps the key that it had: the stored ${key?.replace(/^secret:/, '')} is one that a change of models has taken back`,
    );
  return `${named.join('; ')}. \`creel change ${mark.gateway} --models gateway.toml\` tries it again, \`creel secret set\` stores another`;
}

/** What seals, in a gateway's state, the keys that it goes back to, and marks those that were taken back. */
export function sealingKey(deps: Deps, gateway: Gateway): Buffer {
  return previousKeysKey(deps.keys.of(gateway), gateway.mark);
}
