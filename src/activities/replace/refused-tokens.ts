import { tokensFile } from '../../domain/channels/tokens.js';
import { replacementNames, type Replacement } from '../../domain/changes/replacement.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import type { Changing } from '../../domain/gateway/changing.js';
import { markLabels, names } from '../../domain/gateway/gateway.js';
import { takenBackFile, takenBackText } from '../../domain/keys/taken-back.js';
import { secretsIn } from '../../domain/secret-files.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { sealingKey } from '../parts/config/model-keys.js';
import { ownFile } from '../parts/config/written.js';
import { containerOf } from '../parts/container/container.js';
import { demandOurs } from '../parts/ours.js';
import { readerImageOf } from '../parts/release.js';
import { isOf, savedStateOf } from '../parts/saved-state.js';
import { removeWriter } from '../parts/state.js';

/** Where a saved state is mounted, and where in it the state lies. */
const savedDirectory = '/saved';
const savedState = `${savedDirectory}/state`;

/**
 * Notes in the saved state, to which the gateway goes back whole, which tokens its channels were given that were not in
 * force there. Twice is once.
 */
export async function noteGivenTokens(deps: Deps, gateway: Changing<Replacement>): Promise<void> {
  const { save, number } = gateway.change;
  const saved = await savedStateOf(deps, gateway, save);
  if (!saved || !isOf(saved, number)) return;
  const engine = deps.engineAt(gateway.place);
  const { id } = await containerOf(deps, gateway);
  const given = secretsIn(await engine.readFile(id, `${stateDirectory}/${tokensFile}`));
  const writer = await openSaved(deps, gateway);
  try {
    const read = (file: string) => engine.readFile(writer.id, `${savedState}/${file}`);
    const before = await read(takenBackFile);
    const text = takenBackText(sealingKey(deps, gateway), before, given, secretsIn(await read(tokensFile)));
    if (text !== undefined && text !== before)
      await engine.writeFiles(writer.id, savedState, [ownFile(takenBackFile, text)]);
  } finally {
    await removeWriter(deps, gateway);
  }
}

/** The never-started container through which files of the saved state are read and written: one that holds the state itself makes way. */
async function openSaved(deps: Deps, gateway: Changing<Replacement>): Promise<Container> {
  const engine = deps.engineAt(gateway.place);
  const { writer } = names(gateway.mark);
  await removeWriter(deps, gateway);
  await engine.createWriter({
    name: writer,
    labels: markLabels(gateway.mark),
    imageId: (await readerImageOf(deps, gateway)).id,
    volume: replacementNames(gateway.mark).savedStates[gateway.change.save],
    target: savedDirectory,
  });
  const found = await engine.findContainer(writer);
  if (!found) throw new Error(`writer ${writer} was removed while it was made`);
  demandOurs('container', writer, found.labels, gateway);
  return found;
}
