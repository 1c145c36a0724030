import { stateDirectory } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';
import { isOwn, ownFile } from './written.js';

/** A file of secrets in the state, and what it is to say. */
export type SecretFile = { readonly file: string; readonly text: string };

/** Whether a file of secrets says exactly that, to the gateway's user alone. */
export async function holdsSecrets(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  { file, text }: SecretFile,
): Promise<boolean> {
  const found = await deps.engineAt(gateway.place).readFile(container.id, `${stateDirectory}/${file}`);
  return found === text && (await isOwn(deps, gateway, container, file));
}

/**
 * Writes a file of secrets, for the gateway's user alone (S1-30). A gateway that runs looks at it when it is told
 * to.
 */
export async function writeSecrets(
  deps: Deps,
  gateway: Gateway,
  { id }: Container,
  { file, text }: SecretFile,
): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  await engine.writeFiles(id, stateDirectory, [ownFile(file, text)]);
  if ((await engine.readFile(id, `${stateDirectory}/${file}`)) !== text)
    throw new Error(`${file} reads back otherwise than written`);
}
