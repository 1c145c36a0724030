import type { Kept } from '../../wire/answer.js';
import { markLabels, names, type Gateway } from '../../domain/gateway/gateway.js';
import type { StateMark } from '../../domain/gateway/state-mark.js';
import { readConfig } from './config/config.js';
import { removeContainer } from './removal.js';
import type { Deps } from '../../world/deps.js';
import { demandOurs } from './ours.js';
import { findMark } from './own-state.js';
import { isOwn } from './state-mark.js';
import { copyOf, isOf, savedStateOf } from './saved-state.js';
import { newestFirst, shelves, type Saved } from './shelves.js';
import { removeState } from './state.js';

/** Names the saved state for which a state volume was made; a volume says nothing of itself before its first byte. */
export const copiedLabel = 'creel.copied';

/**
 * When the state volume is gone, the newest state that was saved whole is the only copy, and becomes the kept state.
 * Undefined when there is a state, or none was ever saved whole. A repeated call continues what an earlier attempt
 * left.
 */
export async function keepOnlyCopy(deps: Deps, gateway: Gateway): Promise<Kept | undefined> {
  const { volume } = names(gateway.mark);
  const found = await deps.engineAt(gateway.place).findVolume(volume);
  demandOurs('volume', volume, found?.labels, gateway);
  if (found) {
    const copied = found.labels[copiedLabel];
    if (copied === undefined || gateway.underway || !(await isThere(deps, gateway, copied))) return undefined;
    const mark = await findMark(deps, gateway);
    if (await hasLived(deps, gateway, copied, mark)) return undefined;
    if (mark?.whole) return kept(volume, mark.release);
  }
  for (const saved of await newestFirst(deps, gateway))
    if (await bring(deps, gateway, saved)) return kept(volume, saved.release);
  await removeState(deps, gateway); // An empty one would pass for the customer's.
  return undefined;
}

/**
 * Whether the saved state that a volume was made for is still there: it is dropped only once it is whole in its place.
 */
async function isThere(deps: Deps, gateway: Gateway, copied: string): Promise<boolean> {
  const [from, made] = copied.split('/');
  const shelf = shelves.find((each) => each === from);
  const source = shelf && (await savedStateOf(deps, gateway, shelf));
  return source !== undefined && isOf(source, Number(made));
}

/**
 * Whether a gateway has run on the volume. Even without a mark, which its owner can delete, a config in it tells; then
 * the state is taken as it is.
 */
async function hasLived(deps: Deps, gateway: Gateway, copied: string, mark: StateMark | undefined): Promise<boolean> {
  if (mark) return mark.copy !== copied || isOwn(gateway, mark);
  return (await readConfig(deps, gateway)) !== undefined;
}

/** Copies a saved state into a volume made for it; false when the saved state is not whole. */
async function bring(deps: Deps, gateway: Gateway, { shelf, number }: Saved): Promise<boolean> {
  const engine = deps.engineAt(gateway.place);
  const { volume: name } = names(gateway.mark);
  const copied = `${shelf}/${number}`;
  await removeContainer(deps, gateway);
  const found = await engine.findVolume(name);
  if (found && found.labels[copiedLabel] !== copied) await removeState(deps, gateway);
  await engine.createVolume({ name, labels: { ...markLabels(gateway.mark), [copiedLabel]: copied } });
  return (await engine.restoreVolume(await copyOf(deps, gateway, shelf, number))) === 'restored';
}

function kept(volume: string, keptRelease: string): Kept {
  const proof = `the state in volume ${volume} was gone: its newest saved state, of release ${keptRelease}, is kept in its place`;
  return { proof, keptRelease };
}
