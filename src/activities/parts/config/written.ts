import { origins, renderConfig, stateDirectory } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { readWritten, writtenFile, writtenText, type Written } from '../../../domain/gateway/written-config.js';
import type { Container, OwnedFile } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';
import { networkOf } from '../network.js';

/** The user a gateway runs as; nobody else may read what creel writes. */
const gatewayUser = 1000;
const fileMode = 0o600;

/** A file in the state as creel writes it: readable by the gateway's user alone. */
export function ownFile(path: string, content: string): OwnedFile {
  return { path, content, mode: fileMode, uid: gatewayUser };
}

/** Whether a file in the state belongs to the gateway's user alone, as it must: `docker cp` hands it to root. */
export async function isOwn(deps: Deps, { place }: Gateway, container: Container, path: string): Promise<boolean> {
  const owner = await deps.engineAt(place).findOwner(container.id, `${stateDirectory}/${path}`);
  return owner !== undefined && owner.uid === gatewayUser && owner.mode === fileMode;
}

/** What creel owns of a gateway's config, and what it wrote into lists to which others add. */
export async function ownedOf(deps: Deps, gateway: Gateway) {
  const { port } = await networkOf(deps, gateway);
  const { release, channels, models, config } = gateway.spec;
  const owned = renderConfig({
    release,
    token: deps.keys.token(gateway),
    port,
    channels,
    models,
    config,
  });
  const written: Written = {
    channels,
    origins: origins(port),
    models: models ? [models] : [],
    config: config ? [config] : [],
  };
  return { owned, written };
}

/** What creel remembers of having written into the config of this state. */
export async function recall(deps: Deps, { place }: Gateway, container: Container): Promise<Written> {
  return readWritten(await deps.engineAt(place).readFile(container.id, `${stateDirectory}/${writtenFile}`));
}

/** Remembers that in the same state, unless it is remembered already. */
export async function remember(deps: Deps, gateway: Gateway, container: Container, written: Written): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const content = writtenText(written);
  if ((await engine.readFile(container.id, `${stateDirectory}/${writtenFile}`)) === content) return;
  await engine.writeFiles(container.id, stateDirectory, [ownFile(writtenFile, content)]);
}
