import type { Changing } from '../domain/change.js';
import { Refused } from '../domain/errors.js';
import { markLabels, names, type Gateway } from '../domain/gateway.js';
import {
  replacementLabel,
  replacementNames,
  type Replacement,
  type Shelf,
  type SnapshotDrop,
} from '../domain/replacement.js';
import type { Volume, VolumeCopy } from '../ports/docker-engine.js';
import { isReplaced } from './container.js';
import { removeContainer, removeNamed } from './container-removal.js';
import { copierOf } from './copier.js';
import type { Deps } from './deps.js';
import { factsIfServing, servingFacts, type Facts } from './facts.js';
import { demandOurs } from './host.js';
import { neverOver } from './never-over.js';
import { releaseImageOf } from './release.js';

/** What was true of the gateway when its state was saved: it must be true again of whatever takes that state. */
const devicesLabel = 'creel.devices';
const channelsLabel = 'creel.channels';

/** The release that a saved state belongs to: its image is needed as long as somebody may go back to it. */
const releaseLabel = 'creel.release';

/** On what was saved of a gateway that did not serve: those were true when the state that is taken instead was saved. */
const downLabel = 'creel.down';

const shelves: readonly Shelf[] = ['a', 'b'];

/** A volume for the saved state, which names the devices that are paired and the channels that are connected now. */
export const ensureRoom = (deps: Deps) =>
  async function ensureRoom(gateway: Changing<Replacement>): Promise<string> {
    return neverOver(async () => {
      const engine = deps.engineAt(gateway.place);
      const { change, mark } = gateway;
      const name = replacementNames(mark).snapshots[change.save];
      const known = await snapshotOf(deps, gateway, change.save);
      if (known && !isOf(known, change.number)) await dropSnapshot(deps, gateway, change.save);
      const labels = {
        ...markLabels(mark),
        [replacementLabel]: String(change.number),
        [releaseLabel]: gateway.spec.release,
        ...(await factLabels(deps, gateway)),
      };
      await engine.createVolume({ name, labels });
      return `room made in ${name}${downLabel in labels ? down : ''}`;
    });
  };

const down = '; it does not serve, so what is proved is what was true when the kept state was saved';

/** A gateway that is rolled back because it does not serve says nothing of itself: what was kept with the other state stands for it. */
async function factLabels(deps: Deps, gateway: Changing<Replacement>): Promise<Record<string, string>> {
  const { take } = gateway.change;
  const own = take === undefined ? await servingFacts(deps, gateway) : await factsIfServing(deps, gateway);
  const { devices, channels } = own ?? (await savedFacts(deps, gateway, take ?? gateway.change.save));
  const labels = { [devicesLabel]: devices.join(','), [channelsLabel]: channels.join(',') };
  return own ? labels : { ...labels, [downLabel]: 'yes' };
}

/**
 * No saved state is left that the replacement made. Of a gateway that is being removed none is left at all; one whose
 * replacement had begun gets its saved state back first, because a state that is kept must fit the release on record.
 */
export const removeRoom = (deps: Deps) =>
  async function removeRoom(gateway: Gateway | Changing<Replacement>): Promise<void> {
    if ('change' in gateway) {
      const known = await snapshotOf(deps, gateway, gateway.change.save);
      if (!known || !isOf(known, gateway.change.number)) return;
      await demandPutBack(deps, gateway, known.name);
      return dropSnapshot(deps, gateway, gateway.change.save);
    }
    await putBackUnfinished(deps, gateway);
    for (const shelf of shelves) await dropSnapshot(deps, gateway, shelf);
  };

/** The state of before is saved whole while nothing runs on it; what is saved once stays. */
export const ensureSaved = (deps: Deps) =>
  async function ensureSaved(gateway: Changing<Replacement>): Promise<string> {
    return neverOver(async () => {
      const { change } = gateway;
      if (await isReplaced(deps, gateway)) return `saved by an earlier attempt`;
      const known = await snapshotOf(deps, gateway, change.save);
      if (!known || !isOf(known, change.number)) throw new Refused('the room for the saved state is gone');
      await deps.engineAt(gateway.place).saveVolume(await copyOf(deps, gateway, change.save, change.number));
      return `state of ${gateway.spec.release} saved in ${known.name}`;
    });
  };

/** The state that goes with the next spec is taken from where it was kept. */
export const ensureTaken = (deps: Deps) =>
  async function ensureTaken(gateway: Changing<Replacement>): Promise<string> {
    return neverOver(async () => {
      const { take, number, to } = gateway.change;
      if (take === undefined || (await isReplaced(deps, gateway))) return 'the state there is';
      const answer = await deps.engineAt(gateway.place).restoreVolume(await copyOf(deps, gateway, take, number));
      if (answer === 'restored') return `state of ${to.release} taken from where it was kept`;
      throw new Refused(`the kept state of ${gateway.mark.gateway} is not whole`);
    });
  };

/**
 * The state that this replacement saved is the gateway's again; what was never saved was never touched. A stopped container that
 * has the gateway's own name makes room for the copy by the name of the former one.
 */
export async function putBack(deps: Deps, gateway: Gateway, save: Shelf, number: number): Promise<void> {
  const known = await snapshotOf(deps, gateway, save);
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

/** What was true of the gateway when the state in a shelf was saved; one that is gone says nothing about anybody. */
export async function savedFacts(deps: Deps, gateway: Gateway, shelf: Shelf): Promise<Facts> {
  const saved = await snapshotOf(deps, gateway, shelf);
  if (!saved) throw new Refused(`the saved state of ${gateway.mark.gateway} is gone`);
  const { labels } = saved;
  const listOf = (label: string) => (labels[label] ?? '').split(',').filter((each) => each !== '');
  return { devices: listOf(devicesLabel), channels: listOf(channelsLabel) };
}

/** Whether a gateway is known to have served when its replacement began: only a rollback does not demand it, and says so of what it saves. */
export async function servedBefore(deps: Deps, gateway: Changing<Replacement>): Promise<boolean> {
  const { kind, save, number } = gateway.change;
  if (kind !== 'rollback') return true;
  const known = await snapshotOf(deps, gateway, save);
  return known !== undefined && isOf(known, number) && !(downLabel in known.labels);
}

/** Saved states that nobody goes back to any more are gone, and the image of their release where nothing else uses it. */
export const ensureDropped = (deps: Deps) =>
  async function ensureDropped(gateway: Changing<SnapshotDrop>): Promise<string> {
    const { keep, former } = gateway.change;
    for (const shelf of shelves) if (shelf !== keep) await dropSnapshot(deps, gateway, shelf);
    if (former === undefined || former === gateway.spec.release) return 'saved states let go';
    const line = deps.catalogue.find(({ version }) => version === former);
    const said = `saved states let go; ${former} cannot be gone back to any more`;
    if (!line || line.dev) return said;
    const holder = await holderOf(deps, gateway, former);
    if (holder !== undefined) return `${said}, its image stays for ${holder}`;
    await deps.engineAt(gateway.place).removeImage(line.image);
    return said;
  };

/** A saved state on the host, of any gateway, that belongs to a release or does not say to which. */
async function holderOf(deps: Deps, gateway: Gateway, release: string): Promise<string | undefined> {
  const marked = await deps.engineAt(gateway.place).listMarked();
  return marked.find(
    ({ kind, labels }) =>
      kind === 'volume' && labels[replacementLabel] !== undefined && (labels[releaseLabel] ?? release) === release,
  )?.name;
}

/** A copier that a lost attempt left holds the volumes; it goes first. */
async function dropSnapshot(deps: Deps, gateway: Gateway, shelf: Shelf): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const copying = await copierOf(deps, gateway);
  if (copying) await engine.removeContainer(copying.id);
  const known = await snapshotOf(deps, gateway, shelf);
  if (known) await engine.removeVolume(known.name);
}

/** Whatever brings the gateway of before back gives it its name last: without it, the saved state may be the only one. */
async function demandPutBack(deps: Deps, gateway: Changing<Replacement>, snapshot: string): Promise<void> {
  const name = names(gateway.mark).container;
  const found = await deps.engineAt(gateway.place).findContainer(name);
  if (found && !(await isReplaced(deps, gateway))) return;
  throw new Refused(`${snapshot} stays: container ${name} of before is not back on its own state yet`);
}

async function putBackUnfinished(deps: Deps, gateway: Gateway): Promise<void> {
  if (!gateway.underway || gateway.spec.keepStateMs === 0) return;
  if (!(await deps.engineAt(gateway.place).findVolume(names(gateway.mark).volume))) return;
  await removeContainer(deps)(gateway);
  await putBack(deps, gateway, gateway.underway.save, gateway.underway.number);
}

async function snapshotOf(deps: Deps, gateway: Gateway, shelf: Shelf): Promise<Volume | undefined> {
  const name = replacementNames(gateway.mark).snapshots[shelf];
  const found = await deps.engineAt(gateway.place).findVolume(name);
  demandOurs('volume', name, found?.labels, gateway);
  return found;
}

function isOf(snapshot: Volume, number: number): boolean {
  return snapshot.labels[replacementLabel] === String(number);
}

/** A copy between the state and a shelf; its mark says what is in that shelf. */
async function copyOf(deps: Deps, gateway: Gateway, shelf: Shelf, number: number): Promise<VolumeCopy> {
  const own = replacementNames(gateway.mark);
  const { container, volume } = names(gateway.mark);
  const { labels = {} } = (await snapshotOf(deps, gateway, shelf)) ?? {};
  await copierOf(deps, gateway); // `Foreign` when it is not ours.
  return {
    state: volume,
    snapshot: own.snapshots[shelf],
    copier: own.copier,
    gateway: container,
    labels: { ...markLabels(gateway.mark), [replacementLabel]: String(number) },
    imageId: (await releaseImageOf(deps, gateway)).id,
    whole: {
      birth: gateway.mark.birth,
      release: labels[releaseLabel] ?? gateway.spec.release,
      copy: `${shelf}/${labels[replacementLabel] ?? number}`,
      whole: true,
    },
  };
}
