import { withoutFormer } from '../domain/channel-config.js';
import type { Channel } from '../domain/channels.js';
import { Refused } from '../domain/errors.js';
import {
  configFile,
  holdsConfig,
  overlayConfig,
  renderConfig,
  stateDirectory,
  tokenIn,
} from '../domain/gateway-config.js';
import { markLabels, names, type Gateway } from '../domain/gateway.js';
import type { Container } from '../ports/docker-engine.js';
import { resolveChannels } from './channel-secrets.js';
import type { Deps } from './deps.js';
import { demandOurs } from './host.js';
import { networkOf } from './network.js';
import { releaseImageOf } from './release.js';
import { removeWriter } from './state.js';
import { demandReadable, readableOf } from './unreadable-config.js';

const path = `${stateDirectory}/${configFile}`;

/**
 * The config in the state volume says everything that creel owns of it, 0600 and owned by the gateway's user, written before
 * the start and never through the environment. A gateway that runs holds its token in memory (S1-8), so there it is only
 * held against the token of the record: a change is a rotation, not a repair.
 */
export const ensureConfig = (deps: Deps) =>
  async function ensureConfig(gateway: Gateway): Promise<string | undefined> {
    const engine = deps.engineAt(gateway.place);
    const container = await engine.findContainer(names(gateway.mark).container);
    if (container?.state === 'running') {
      demandToken(deps, gateway, await engine.readFile(container.id, path));
      return undefined;
    }
    return writeConfig(deps, gateway);
  };

/**
 * Writes what creel owns of the config over what is there, of a gateway that does not run; what it owned for former channels goes.
 * Answers what became of a text that could not be read.
 */
export async function writeConfig(
  deps: Deps,
  gateway: Gateway,
  former: readonly Channel[] = [],
): Promise<string | undefined> {
  const engine = deps.engineAt(gateway.place);
  const { port } = await networkOf(deps, gateway);
  const token = deps.keys.token(gateway);
  const owned = renderConfig({
    release: gateway.spec.release,
    token,
    port,
    channels: await resolveChannels(deps, gateway),
  });
  const writer = await openWriter(deps, gateway);
  const found = await engine.readFile(writer.id, path);
  const { text, kept } = await readableOf(deps, gateway, writer, found);
  const existing = former.length > 0 ? withoutFormer(text, former, gateway.spec.channels) : text;
  if (existing !== found || !holdsConfig(existing, owned)) {
    const content = overlayConfig(existing, owned);
    await engine.writeFiles(writer.id, stateDirectory, [{ path: configFile, content, mode: 0o600, uid: 1000 }]);
    if (!holdsConfig(await engine.readFile(writer.id, path), owned))
      throw new Error(`${path} reads back otherwise than written`);
  }
  await removeWriter(deps, gateway);
  return kept;
}

/** The text of the config of a container that exists. */
export async function configText(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  return deps.engineAt(gateway.place).readFile(container.id, path);
}

/** Nothing that writing the config needed is left; the file itself goes with its state. */
export const removeConfig = (deps: Deps) =>
  async function removeConfig(gateway: Gateway): Promise<void> {
    await removeWriter(deps, gateway);
  };

/** The text of a gateway's config, whether it runs or not; undefined when there is none. */
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

async function openWriter(deps: Deps, gateway: Gateway): Promise<Container> {
  const engine = deps.engineAt(gateway.place);
  const own = names(gateway.mark);
  const image = await releaseImageOf(deps, gateway);
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

function demandToken(deps: Deps, gateway: Gateway, text: string | undefined): void {
  demandReadable(gateway, text);
  const token = deps.keys.token(gateway);
  if (tokenIn(text) === token.reveal()) return;
  throw new Refused(
    `gateway ${gateway.mark.gateway} runs with another token than generation ${gateway.tokenGeneration} of its record: somebody changed ${path}. Put the old file back, or stop the container and run \`creel provision ${gateway.mark.gateway}\` again`,
  );
}
