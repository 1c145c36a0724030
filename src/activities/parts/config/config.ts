import type { Channel } from '../../../domain/channels/channel.js';
import { tokensFile } from '../../../domain/channels/tokens.js';
import { configFile, holdsConfig, overlayConfig, saysSame, stateDirectory } from '../../../domain/gateway/config.js';
import { authoritiesFile } from '../../../domain/hosts/egress.js';
import { markLabels, names, type Gateway } from '../../../domain/gateway/gateway.js';
import { parseObject } from '../../../domain/json.js';
import { customersKeys, keysFile, withOwnKeys } from '../../../domain/models/config.js';
import { bothWritten, cleared, type Written } from '../../../domain/gateway/written-config.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';
import { demandOurs } from '../ours.js';
import { demandWhole } from './owned.js';
import { readerImageOf } from '../release.js';
import { keepMark } from '../state-mark.js';
import { removeTrial } from '../removal.js';
import { removeWriter } from '../state.js';
import { tokensInForce, wantedTokens } from './channel-tokens.js';
import { keysInForce, wantedKeys, type KeysOver } from './model-keys.js';
import { holdsSecrets, writeSecrets, type SecretFile } from './secret-file.js';
import { readableOf } from './unreadable.js';
import { isOwn, ownedOf, ownFile, recall, remember } from './written.js';

const path = `${stateDirectory}/${configFile}`;

/** Secrets that are to be in force, whatever is stored: the keys of its models, and the text of the file of tokens. */
export type SecretsOver = { readonly keys?: Partial<KeysOver> | undefined; readonly tokens?: string | undefined };

/** These secrets, and those that are in force in a state for the others: stored ones are proved by a change alone. */
export async function secretsInForce(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  { keys, tokens }: SecretsOver = {},
): Promise<SecretsOver> {
  return {
    keys: keys ?? (await keysInForce(deps, gateway, container)),
    tokens: tokens ?? (await tokensInForce(deps, gateway, container)),
  };
}

/**
 * Writes what creel owns over the config of a gateway that does not run, and drops what it had written for previous
 * channels. Returns what became of an unreadable text, and which stored secrets stay out. A config that is split is
 * `Refused`: nothing is half-written.
 */
export async function writeConfig(
  deps: Deps,
  gateway: Gateway,
  previous: readonly Channel[] = [],
  over: SecretsOver | 'in force' = {},
): Promise<string | undefined> {
  const writer = await openWriter(deps, gateway);
  await keepMark(deps, gateway, writer);
  const told = over === 'in force' ? await secretsInForce(deps, gateway, writer) : over;
  const kept = await writeOver(deps, gateway, writer, previous, told);
  await removeWriter(deps, gateway);
  return kept;
}

/** The same through a container that holds the volume and does not run. */
export async function writeOver(
  deps: Deps,
  gateway: Gateway,
  writer: Container,
  previous: readonly Channel[],
  over: SecretsOver = {},
): Promise<string | undefined> {
  const engine = deps.engineAt(gateway.place);
  await keepAuthorities(deps, gateway, writer);
  const { owned: all, written: next } = await ownedOf(deps, gateway);
  const found = await engine.readFile(writer.id, path);
  const { text, kept } = await readableOf(deps, gateway, writer, found);
  await demandWhole(deps, gateway, text);
  const owned = withOwnKeys(all, over.keys?.own ?? customersKeys(parseObject(text) ?? {}, gateway.spec.models));
  const before = bothWritten(await recall(deps, gateway, writer), {
    channels: previous,
    origins: [],
    models: [],
    config: [],
  });
  const { files, said } = await wantedSecrets(deps, gateway, writer, before, over);
  for (const each of files) {
    if (await holdsSecrets(deps, gateway, writer, each)) continue;
    await remember(deps, gateway, writer, bothWritten(before, next));
    await writeSecrets(deps, gateway, writer, each);
  }
  const content = overlayConfig(cleared(text, before, next), owned);
  if (!saysSame(found, content) || !(await isOwn(deps, gateway, writer, configFile))) {
    await remember(deps, gateway, writer, bothWritten(before, next));
    await engine.writeFiles(writer.id, stateDirectory, [ownFile(configFile, content)]);
    if (!holdsConfig(await engine.readFile(writer.id, path), owned))
      throw new Error(`${path} reads back otherwise than written`);
  }
  await remember(deps, gateway, writer, next);
  return [kept, ...said].filter((each) => each !== undefined).join('. ') || undefined;
}

/** What the files of secrets must say, and what is to be said of stored secrets that stay out. */
export async function wantedSecrets(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  before: Written,
  { keys: key, tokens: token }: SecretsOver = {},
): Promise<{ readonly files: readonly SecretFile[]; readonly said: readonly (string | undefined)[] }> {
  const keys = key?.file === undefined ? await wantedKeys(deps, gateway, container, before) : { text: key.file };
  const tokens = token === undefined ? await wantedTokens(deps, gateway, container, before) : { text: token };
  const all = [
    { file: keysFile, text: keys.text },
    { file: tokensFile, text: tokens.text },
  ];
  const files = all.flatMap(({ file, text }) => (text === undefined ? [] : [{ file, text }]));
  return { files, said: [keys, tokens].map((each) => ('said' in each ? each.said : undefined)) };
}

/** The certificates of its host lie in the state before a start that believes them. */
async function keepAuthorities(deps: Deps, { place }: Gateway, { id }: Container): Promise<void> {
  const { authorities } = deps.egress;
  if (!authorities) return;
  const engine = deps.engineAt(place);
  if ((await engine.readFile(id, `${stateDirectory}/${authoritiesFile}`)) === authorities.pem) return;
  await engine.writeFiles(id, stateDirectory, [ownFile(authoritiesFile, authorities.pem)]);
}

/** The config's text in an existing container. */
export async function configText(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  return deps.engineAt(gateway.place).readFile(container.id, path);
}

/** Removes what was needed to write the config and to have it judged; the file itself goes with its state. */
export async function removeConfig(deps: Deps, gateway: Gateway): Promise<void> {
  await removeWriter(deps, gateway);
  if (gateway.spec.config) await removeTrial(deps, gateway);
}

/** The text of a gateway's config, whether the gateway runs or not; undefined when there is none. */
export async function readConfig(deps: Deps, gateway: Gateway): Promise<string | undefined> {
  const engine = deps.engineAt(gateway.place);
  const container = await engine.findContainer(names(gateway.mark).container);
  if (container) return engine.readFile(container.id, path);
  if (!(await engine.findVolume(names(gateway.mark).volume))) return undefined;
  const writer = await openWriter(deps, gateway);
  const text = await engine.readFile(writer.id, path);
  await removeWriter(deps, gateway);
  return text;
}

/**
 * The never-started container through which files of the state are read and written while no other container holds it.
 */
export async function openWriter(deps: Deps, gateway: Gateway): Promise<Container> {
  const engine = deps.engineAt(gateway.place);
  const own = names(gateway.mark);
  const image = await readerImageOf(deps, gateway);
  await engine.createWriter({
    name: own.writer,
    labels: markLabels(gateway.mark),
    imageId: image.id,
    volume: own.volume,
    target: stateDirectory,
  });
  const found = await engine.findContainer(own.writer);
  if (!found) throw new Error(`writer ${own.writer} was removed while it was made`);
  demandOurs('container', own.writer, found.labels, gateway);
  return found;
}
