import type { Changing } from '../../domain/gateway/changing.js';
import { measuring, wayLabel } from '../../domain/changes/copying.js';
import { NotYet, Refused } from '../../domain/errors.js';
import { markLabels, names, type Gateway } from '../../domain/gateway/gateway.js';
import type { Living } from '../../domain/gateway/life.js';
import {
  replacementLabel,
  replacementNames,
  type Replacement,
  type SavedStateDrop,
} from '../../domain/changes/replacement.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import { unknownRelease } from '../../domain/release/release.js';
import { isReplaced } from '../parts/container/container.js';
import { removeContainer } from '../parts/removal.js';
import { copierOf } from '../parts/copier.js';
import type { Deps } from '../../world/deps.js';
import { factsIfServing, servingFacts, type Facts } from '../parts/door/facts.js';
import type { Kept } from '../../wire/answer.js';
import { keepOnlyCopy } from '../parts/only-copy.js';
import { demandFormerState, ensureOwnState, findMark } from '../parts/own-state.js';
import { copyOf, isOf, isOfLater, putBack, savedStateOf } from '../parts/saved-state.js';
import { releaseLabel, shelves } from '../parts/shelves.js';
import { catalogueOf } from '../parts/catalogue.js';

/** What was true of the gateway when its state was saved, and must be true again of whatever takes that state. */
const devicesLabel = 'creel.devices';
const channelsLabel = 'creel.channels';

/** On a state saved of a gateway that did not serve: its facts are those of the saved state that is taken instead. */
const downLabel = 'creel.down';

/**
 * Makes a volume for the saved state, labelled with the devices that are paired and the channels that are connected
 * now.
 */
export async function ensureRoom(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const engine = deps.engineAt(gateway.place);
  const { change, mark } = gateway;
  const name = replacementNames(mark).savedStates[change.save];
  const known = await savedStateOf(deps, gateway, change.save);
  if (known && isOfLater(known, change.number))
    throw new Refused(`${name} holds what a later replacement than ${change.number} has saved`);
  if (known && !isOf(known, change.number)) await dropSavedState(deps, gateway, change.save);
  const labels = {
    ...markLabels(mark),
    [replacementLabel]: String(change.number),
    [releaseLabel]: gateway.spec.release,
    ...(await factLabels(deps, gateway)),
  };
  await engine.createVolume({ name, labels });
  return `room made in ${name}${downLabel in labels ? down : ''}`;
}

const down = '; it does not serve, so what is proved is what was true when the kept state was saved';

/**
 * The facts as labels. A gateway that is rolled back because it does not serve reports none: those of the saved state it takes stand in for them.
 */
async function factLabels(deps: Deps, gateway: Changing<Replacement>): Promise<Record<string, string>> {
  const { take } = gateway.change;
  const own = take === undefined ? await servingFacts(deps, gateway) : await factsIfServing(deps, gateway);
  const { devices, channels } = own ?? (await savedFacts(deps, gateway, take ?? gateway.change.save));
  const labels = { [devicesLabel]: devices.join(','), [channelsLabel]: channels.join(',') };
  return own ? labels : { ...labels, [downLabel]: 'yes' };
}

/**
 * Removes the saved state that the replacement made; for a gateway that is being removed, every one. One whose
 * replacement had begun gets its saved state back first, because a kept state must be whole and fit the release on
 * record. If the state to be kept is gone, the newest saved one is kept in its place.
 */
export async function removeRoom(deps: Deps, gateway: Living | Changing<Replacement>): Promise<Kept | undefined> {
  if ('change' in gateway) {
    const known = await savedStateOf(deps, gateway, gateway.change.save);
    if (!known || !isOf(known, gateway.change.number)) return undefined;
    await demandPutBack(deps, gateway, known.name);
    await dropSavedState(deps, gateway, gateway.change.save);
    return undefined;
  }
  const kept = await keepState(deps, gateway);
  for (const shelf of shelves) await dropSavedState(deps, gateway, shelf);
  return kept;
}

/** Saves the previous state whole while nothing runs on it; saved once, it stays. */
export async function ensureSaved(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const { change } = gateway;
  if (await isReplaced(deps, gateway)) return `saved by an earlier attempt`;
  const known = await savedStateOf(deps, gateway, change.save);
  if (!known || !isOf(known, change.number)) throw new Refused('the room for the saved state is gone');
  await deps.engineAt(gateway.place).saveVolume(await copyOf(deps, gateway, change.save, change.number));
  return `state of ${gateway.spec.release} saved in ${known.name}`;
}

/** Restores the state that goes with the next spec. */
export async function ensureTaken(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const { take, number, to } = gateway.change;
  if (take === undefined || (await isReplaced(deps, gateway))) return 'the state there is';
  const answer = await deps.engineAt(gateway.place).restoreVolume(await copyOf(deps, gateway, take, number));
  if (answer === 'restored') return `state of ${to.release} taken from where it was kept`;
  throw new Refused(`the kept state of ${gateway.mark.gateway} is not whole`);
}

/** What was true of the gateway when the state in a shelf was saved; `Refused` when that state is gone. */
export async function savedFacts(deps: Deps, gateway: Gateway, shelf: Shelf): Promise<Facts> {
  const saved = await savedStateOf(deps, gateway, shelf);
  if (!saved) throw new Refused(`the saved state of ${gateway.mark.gateway} is gone`);
  const { labels } = saved;
  const listOf = (label: string) => (labels[label] ?? '').split(',').filter((each) => each !== '');
  return { devices: listOf(devicesLabel), channels: listOf(channelsLabel) };
}

/**
 * Whether a gateway is known to have served when its replacement began. Only a rollback may begin otherwise, and marks
 * what it saves.
 */
export async function servedBefore(deps: Deps, gateway: Changing<Replacement>): Promise<boolean> {
  const { kind, save, number } = gateway.change;
  if (kind !== 'rollback') return true;
  const known = await savedStateOf(deps, gateway, save);
  return known !== undefined && isOf(known, number) && !(downLabel in known.labels);
}

/** Removes saved states that nobody goes back to any more, and the image of their release if nothing else uses it. */
export async function ensureDropped(deps: Deps, gateway: Changing<SavedStateDrop>): Promise<string> {
  const { keep, former, below } = gateway.change;
  for (const shelf of shelves) if (shelf !== keep) await dropSavedState(deps, gateway, shelf, below);
  if (former === undefined || former === gateway.spec.release) return 'saved states let go';
  const line = (await catalogueOf(deps)).find(({ version }) => version === former);
  const said = `saved states let go; ${former} cannot be gone back to any more`;
  if (!line || line.dev) return said;
  const holder = await holderOf(deps, gateway, former);
  if (holder !== undefined) return `${said}, its image stays for ${holder}`;
  deps.signal()?.throwIfAborted();
  await deps.engineAt(gateway.place).removeImage(line.image);
  return said;
}

/** A saved state on the host, of any gateway, that belongs to a release or does not say to which. */
async function holderOf(deps: Deps, gateway: Gateway, release: string): Promise<string | undefined> {
  const marked = await deps.engineAt(gateway.place).listMarked();
  return marked.find(
    ({ kind, labels }) =>
      kind === 'volume' && labels[replacementLabel] !== undefined && (labels[releaseLabel] ?? release) === release,
  )?.name;
}

/** Removes what is in a shelf, except what the replacement of this number or a later one saved there. */
async function dropSavedState(deps: Deps, gateway: Living, shelf: Shelf, below = Infinity): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const known = await savedStateOf(deps, gateway, shelf);
  if (!known || isOfLater(known, below - 1)) return;
  await endCopier(deps, gateway);
  deps.signal()?.throwIfAborted(); // A late attempt must not remove the next save of this name.
  await engine.removeVolume(known.name);
}

/**
 * Ends a copier of a lost attempt, which holds the volumes. One that writes a state is waited for, unless that state is
 * removed as well.
 */
async function endCopier(deps: Deps, gateway: Living): Promise<void> {
  const found = await copierOf(deps, gateway);
  if (!found) return;
  const isHarmless = ['save', measuring].includes(found.labels[wayLabel] ?? '');
  const isOver = ['created', 'exited'].includes(found.state);
  if (!isHarmless && !isOver && !gateway.purging)
    throw new NotYet(`the state of ${gateway.mark.gateway} is being copied by container ${found.name}`);
  await deps.engineAt(gateway.place).removeContainer(found.id);
}

/**
 * Demands that the previous gateway is back: under its name, which it gets last, and on a state that says it is its
 * own. Otherwise the saved state may be the only one.
 */
async function demandPutBack(deps: Deps, gateway: Changing<Replacement>, saved: string): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const { container: name, volume } = names(gateway.mark);
  const found = await engine.findContainer(name);
  if (!found || (await isReplaced(deps, gateway)))
    throw new Refused(`${saved} stays: the previous container ${name} is not back on its own state yet`);
  if (!(await engine.findVolume(volume))) throw new Refused(`${saved} stays: volume ${volume} of its state is gone`);
  await demandFormerState(deps, gateway, found);
}

/** What a removal keeps is made whole before anything that could restore it is dropped. */
async function keepState(deps: Deps, gateway: Living): Promise<Kept | undefined> {
  if (gateway.purging || gateway.spec.keepStateMs === 0) return undefined;
  const kept = await keepOnlyCopy(deps, gateway);
  if (!kept) await keepOwnState(deps, gateway);
  return kept;
}

async function keepOwnState(deps: Deps, gateway: Living): Promise<void> {
  if (!(await deps.engineAt(gateway.place).findVolume(names(gateway.mark).volume))) return;
  if (gateway.underway) {
    await removeContainer(deps, gateway);
    await putBack(deps, gateway, gateway.underway.save, gateway.underway.number);
  }
  const saved = await Promise.all(shelves.map(async (shelf) => savedStateOf(deps, gateway, shelf)));
  if (saved.some((each) => each !== undefined)) await ensureWhole(deps, gateway);
}

/**
 * Makes the state whole, of whichever release: its mark tells the record. A torn one is restored where its own saved
 * state is known.
 */
async function ensureWhole(deps: Deps, gateway: Living): Promise<void> {
  const mark = await findMark(deps, gateway);
  if (!mark || mark.whole) return;
  const { spec } = gateway;
  const release = spec.release === unknownRelease ? mark.release : spec.release;
  await ensureOwnState(deps, { ...gateway, spec: { ...spec, release } });
}
