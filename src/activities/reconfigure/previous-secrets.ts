import type { Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import type { Changing } from '../../domain/gateway/changing.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import {
  previousTokensFile,
  openPreviousKeys,
  sealPreviousKeys,
  type PreviousKeys,
} from '../../domain/keys/previous-keys.js';
import { takenBackFile, takenBackText } from '../../domain/keys/taken-back.js';
import { secretsIn, secretsText } from '../../domain/secret-files.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { readTokens } from '../parts/config/channel-tokens.js';
import { sealingKey } from '../parts/config/model-keys.js';
import { ownFile } from '../parts/config/written.js';
import { containerOf } from '../parts/container/container.js';

/** Where an operation of this number keeps what was in force before it. */
export type Previous = { readonly file: string; readonly operation: number };

/**
 * Keeps what is in force beside it, sealed, once: what a later attempt finds in force may be what an earlier one gave. So
 * `inForce` is read before it is asked whether it is kept.
 */
export async function keepPrevious(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  previous: Previous,
  inForce: Omit<PreviousKeys, 'operation'>,
): Promise<void> {
  if (await readPrevious(deps, gateway, container, previous)) return;
  const text = sealPreviousKeys(sealingKey(deps, gateway), { operation: previous.operation, ...inForce });
  await deps.engineAt(gateway.place).writeFiles(container.id, stateDirectory, [ownFile(previous.file, text)]);
}

/** What that operation kept; undefined where it kept nothing. */
export async function readPrevious(
  deps: Deps,
  gateway: Gateway,
  { id }: Container,
  { file, operation }: Previous,
): Promise<PreviousKeys | undefined> {
  const text = await deps.engineAt(gateway.place).readFile(id, `${stateDirectory}/${file}`);
  return openPreviousKeys(sealingKey(deps, gateway), operation, text);
}

/**
 * Keeps the tokens of a gateway's channels before a change gives others: whatever restarts the gateway in it brings the
 * next channels, also before their own step. Nothing where the channels stay, or an older creel began it.
 */
export async function keepPreviousTokens(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
  container: Container,
): Promise<void> {
  const previous = previousTokensOf(gateway);
  if (!previous) return;
  const file = secretsText(await readTokens(deps, gateway, container));
  await keepPrevious(deps, gateway, container, previous, { file, own: {} });
}

/** The text of the file with the tokens that a change has kept; undefined where it kept none. */
export async function readPreviousTokens(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
  container: Container,
): Promise<string | undefined> {
  const previous = previousTokensOf(gateway);
  return previous && (await readPrevious(deps, gateway, container, previous))?.file;
}

/** Where a change of channels keeps them; undefined where the channels stay, or an older creel began it. */
export function previousTokensOf({ change }: Changing<Reconfiguration>): Previous | undefined {
  const { channels, number } = change;
  return channels && number !== undefined ? { file: previousTokensFile, operation: number } : undefined;
}

/** A file of secrets that a change gave, and where the previous ones are kept. */
export type Given = { readonly file: string; readonly previous: Previous };

/** Notes which secrets of that file the change gave, because they were refused. */
export async function noteGiven(deps: Deps, gateway: Gateway, { file, previous }: Given): Promise<void> {
  const container = await containerOf(deps, gateway);
  const kept = await readPrevious(deps, gateway, container, previous);
  const engine = deps.engineAt(gateway.place);
  const given = secretsIn(await engine.readFile(container.id, `${stateDirectory}/${file}`));
  const before = await engine.readFile(container.id, `${stateDirectory}/${takenBackFile}`);
  const text = takenBackText(sealingKey(deps, gateway), before, given, secretsIn(kept?.file));
  if (text !== undefined && text !== before)
    await engine.writeFiles(container.id, stateDirectory, [ownFile(takenBackFile, text)]);
}
