import { markLabels, names, type Gateway } from '../../domain/gateway/gateway.js';
import { replacementLabel, replacementNames } from '../../domain/changes/replacement.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import type { Volume, VolumeCopy } from '../../ports/docker-engine.js';
import { removeNamed } from './removal.js';
import { copierOf } from './copier.js';
import type { Deps } from '../../world/deps.js';
import { demandOurs, findOurVolume } from './ours.js';
import { readerImageOf } from './release.js';
import { releaseLabel } from './shelves.js';

/**
 * Puts back the state that this replacement saved; without one the state was never touched. A stopped container under
 * the gateway's own name makes way for the copy by taking the former one's name.
 */
export async function putBack(deps: Deps, gateway: Gateway, save: Shelf, number: number): Promise<void> {
  const known = await savedStateOf(deps, gateway, save);
  if (!known || !isOf(known, number)) return;
  const copy = await copyOf(deps, gateway, save, number);
  await makeWay(deps, gateway);
  await deps.engineAt(gateway.place).restoreVolume(copy);
}

async function makeWay(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const [name, aside] = [names(gateway.mark).container, replacementNames(gateway.mark).former];
  const found = await engine.findContainer(name);
  if (!found || found.state === 'running') return;
  demandOurs('container', name, found.labels, gateway);
  await removeNamed(deps, gateway, aside);
  if ((await engine.renameContainer(found.id, aside)) === 'name taken')
    throw new Error(`container ${aside} was made by somebody else meanwhile`);
}

/** The saved state in a shelf, if there is one; `Foreign` when it is not ours. */
export async function savedStateOf(deps: Deps, gateway: Gateway, shelf: Shelf): Promise<Volume | undefined> {
  return findOurVolume(deps, gateway, replacementNames(gateway.mark).savedStates[shelf]);
}

/** Whether the replacement of this number made it. */
export function isOf(saved: Volume, number: number): boolean {
  return saved.labels[replacementLabel] === String(number);
}

/** Whether a replacement after this number made it. */
export function isOfLater(saved: Volume, number: number): boolean {
  return Number(saved.labels[replacementLabel]) > number;
}

/** A copy between the state and a shelf; its mark names what is in that shelf. */
export async function copyOf(deps: Deps, gateway: Gateway, shelf: Shelf, number: number): Promise<VolumeCopy> {
  const own = replacementNames(gateway.mark);
  const { container, volume } = names(gateway.mark);
  const { labels = {} } = (await savedStateOf(deps, gateway, shelf)) ?? {};
  await copierOf(deps, gateway); // `Foreign` when it is not ours.
  return {
    state: volume,
    saved: own.savedStates[shelf],
    copier: own.copier,
    gateway: container,
    labels: { ...markLabels(gateway.mark), [replacementLabel]: String(number) },
    imageId: (await readerImageOf(deps, gateway)).id,
    whole: {
      birth: gateway.mark.birth,
      release: labels[releaseLabel] ?? gateway.spec.release,
      copy: `${shelf}/${labels[replacementLabel] ?? number}`,
      whole: true,
    },
  };
}
