import type { Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { Refused } from '../../domain/errors.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import type { Changing } from '../../domain/gateway/changing.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { formerTokensFile, openFormerKeys, sealFormerKeys, type FormerKeys } from '../../domain/keys/former-keys.js';
import { takenBackFile, takenBackText } from '../../domain/keys/taken-back.js';
import { secretsIn, secretsText } from '../../domain/secret-files.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { readTokens } from '../parts/config/channel-tokens.js';
import { sealingKey } from '../parts/config/model-keys.js';
import { ownFile } from '../parts/config/written.js';
import { containerOf } from '../parts/container/container.js';

/** Where an operation of this number keeps what was in force before it. */
export type Former = { readonly file: string; readonly operation: number };

/**
 * Keeps what is in force beside it, sealed, once: what a later attempt finds in force may be what an earlier one gave. So
 * `inForce` is read before it is asked whether it is kept.
 */
export async function keepFormer(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  former: Former,
  inForce: Omit<FormerKeys, 'operation'>,
): Promise<void> {
  if (await readFormer(deps, gateway, container, former)) return;
  const text = sealFormerKeys(sealingKey(deps, gateway), { operation: former.operation, ...inForce });
  await deps.engineAt(gateway.place).writeFiles(container.id, stateDirectory, [ownFile(former.file, text)]);
}

/** What that operation kept; undefined where it kept nothing. */
export async function readFormer(
  deps: Deps,
  gateway: Gateway,
  { id }: Container,
  { file, operation }: Former,
): Promise<FormerKeys | undefined> {
  const text = await deps.engineAt(gateway.place).readFile(id, `${stateDirectory}/${file}`);
  return openFormerKeys(sealingKey(deps, gateway), operation, text);
}

/**
 * Keeps the tokens of a gateway's channels before a change gives others: whatever restarts the gateway in it brings the
 * next channels, also before their own step. Nothing where the channels stay, or an older creel began it.
 */
export async function keepFormerTokens(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
  container: Container,
): Promise<void> {
  const former = formerTokensOf(gateway);
  if (!former) return;
  const file = secretsText(await readTokens(deps, gateway, container));
  await keepFormer(deps, gateway, container, former, { file, own: {} });
}

/** The text of the file with the tokens that a change has kept; undefined where it kept none. */
export async function readFormerTokens(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
  container: Container,
): Promise<string | undefined> {
  const former = formerTokensOf(gateway);
  return former && (await readFormer(deps, gateway, container, former))?.file;
}

/** Where a change of channels keeps them; undefined where the channels stay, or an older creel began it. */
export function formerTokensOf({ change }: Changing<Reconfiguration>): Former | undefined {
  const { channels, number } = change;
  return channels && number !== undefined ? { file: formerTokensFile, operation: number } : undefined;
}

/** A file of secrets that a change gave, and where the former ones are kept. */
export type Given = { readonly file: string; readonly former: Former; readonly what: string };

/**
 * Notes, when a proof is `Refused`, which secrets the change gave, before it goes back: nothing but another change puts
 * them in force again, whatever is stored by then.
 */
export async function notedWhenRefused<T>(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
  given: Given,
  prove: () => Promise<T>,
): Promise<T> {
  try {
    return await prove();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw await note(deps, gateway, given).then(
      () => error,
      (other: unknown) => unnoted(error, given, other),
    );
  }
}

/** The refusal counts, also where it could not be noted: another try could cost something, and its sentence. */
function unnoted(refused: Refused, { what }: Given, cause: unknown): Refused {
  return new Refused(
    `${refused.message}. That could not be noted in its state: a repair before another ${what} is stored puts the same one in force again`,
    { cause },
  );
}

async function note(deps: Deps, gateway: Gateway, { file, former }: Given): Promise<void> {
  const container = await containerOf(deps, gateway);
  const kept = await readFormer(deps, gateway, container, former);
  const engine = deps.engineAt(gateway.place);
  const given = secretsIn(await engine.readFile(container.id, `${stateDirectory}/${file}`));
  const before = await engine.readFile(container.id, `${stateDirectory}/${takenBackFile}`);
  const text = takenBackText(sealingKey(deps, gateway), before, given, secretsIn(kept?.file));
  if (text !== undefined && text !== before)
    await engine.writeFiles(container.id, stateDirectory, [ownFile(takenBackFile, text)]);
}
