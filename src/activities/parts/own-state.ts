import { names, type Gateway } from '../../domain/gateway/gateway.js';
import type { Changing } from '../../domain/gateway/changing.js';
import { former, replacementLabel, replacementNames, type Replacement } from '../../domain/changes/replacement.js';
import type { StateMark } from '../../domain/gateway/state-mark.js';
import { openWriter } from './config/config.js';
import { removeContainer } from './removal.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { putBack, savedStateOf } from './saved-state.js';
import { belonging, currentMark, firstMark, isLeftBehind, isOwn, notOwn, readMark, writeMark } from './state-mark.js';
import { removeWriter } from './state.js';

/**
 * The state of a gateway that does not run is whole and belongs to the release on record. Where it is torn or another
 * release's, the gateway's own saved state is put back, if it is known which; otherwise `Refused`. A state without a
 * mark is an older creel's, and is accepted.
 */
export async function ensureOwnState(deps: Deps, gateway: Gateway): Promise<void> {
  const mark = await findMark(deps, gateway);
  if (!mark || isOwn(gateway, mark)) return;
  const own = await belonging(deps, gateway, mark);
  if (!own) throw await notOwn(deps, gateway, mark);
  await removeContainer(deps, gateway); // It holds nothing of the gateway, and the copy needs its name.
  await putBack(deps, gateway, own.shelf, own.number);
  const now = await findMark(deps, gateway);
  const { underway: _savedNothing, ...helpless } = gateway;
  if (now && !isOwn(gateway, now)) throw await notOwn(deps, helpless, now);
}

/**
 * Marks the state of the former release, whose container is set aside, as the next release's: before the start,
 * because a start converts it.
 */
export async function moveStateOn(deps: Deps, before: Gateway, next: Gateway): Promise<void> {
  const writer = await openWriter(deps, next);
  const mark = (await readMark(deps, next, writer)) ?? firstMark(before);
  if (isOwn(next, mark)) return;
  const aside = await deps.engineAt(next.place).findContainer(replacementNames(next.mark).former);
  const { release } = next.spec;
  if (isOwn(before, mark) || isLeftBehind(before, mark, aside))
    await writeMark(deps, next, writer, { ...mark, release });
}

/**
 * Demands that the state a container holds is the one from before the replacement, whole; `Refused` when it is torn,
 * the next release's, or what a late attempt brought there from the saved state that a rollback takes. A state without a mark is an older
 * creel's, and is accepted.
 */
export async function demandFormerState(
  deps: Deps,
  gateway: Changing<Replacement>,
  holder: Pick<Container, 'id'>,
): Promise<void> {
  const { change, underway } = gateway;
  const before = former(gateway);
  const told = await readMark(deps, gateway, holder);
  const taken = change.take && (await savedStateOf(deps, gateway, change.take));
  const isBrought = taken !== undefined && told?.copy === `${change.take}/${taken.labels[replacementLabel]}`;
  const mark = isBrought ? told : await currentMark(deps, before, holder);
  if (mark && (isBrought || !isOwn(before, mark)))
    throw await notOwn(deps, { ...before, ...(underway && { underway }) }, mark);
}

/** The mark of a state, read through any container that holds it. */
export async function findMark(deps: Deps, gateway: Gateway): Promise<StateMark | undefined> {
  const engine = deps.engineAt(gateway.place);
  const { container, volume } = names(gateway.mark);
  if (!(await engine.findVolume(volume))) return undefined;
  const holder =
    (await engine.findContainer(container)) ?? (await engine.findContainer(replacementNames(gateway.mark).former));
  if (holder) return currentMark(deps, gateway, holder);
  const mark = await currentMark(deps, gateway, await openWriter(deps, gateway));
  await removeWriter(deps, gateway);
  return mark;
}
