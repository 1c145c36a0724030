import { Refused } from '../../domain/errors.js';
import { carries, names, type Gateway } from '../../domain/gateway/gateway.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import { compareReleases } from '../../domain/release/release.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import {
  belongsTo,
  readStateMark,
  stateMarkFile,
  stateMarkPath,
  writeStateMark,
  type StateMark,
} from '../../domain/gateway/state-mark.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { isOf, savedStateOf } from './saved-state.js';
import { releaseLabel, shelves } from './shelves.js';

/**
 * The mark in the state that a container holds; undefined where there is none, as in an older creel's volumes. An owner
 * may have put something in its place that is no file, or has not the size of a mark: that counts as none, lest it
 * block his gateway's repair or removal.
 */
export async function readMark(
  deps: Deps,
  gateway: Gateway,
  { id }: Pick<Container, 'id'>,
): Promise<StateMark | undefined> {
  try {
    return readStateMark(await deps.engineAt(gateway.place).readFile(id, stateMarkPath));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return undefined;
  }
}

/**
 * The true mark of a state, read through a container that holds it. A creel from before there were marks upgrades a
 * state and leaves its mark behind; the gateway's own container shows that, and the mark is moved on.
 */
export async function currentMark(
  deps: Deps,
  gateway: Gateway,
  holder: Pick<Container, 'id'>,
): Promise<StateMark | undefined> {
  const mark = await readMark(deps, gateway, holder);
  if (!mark || isOwn(gateway, mark)) return mark;
  const ran = await deps.engineAt(gateway.place).findContainer(names(gateway.mark).container);
  if (!isLeftBehind(gateway, mark, ran)) return mark;
  const moved = { ...mark, release: gateway.spec.release };
  await writeMark(deps, gateway, holder, moved);
  return moved;
}

/**
 * Whether a container of this life and of the release on record has run on a state whose mark still names an earlier
 * release: its start converted the state. This excludes what a replacement under way brought there, on which nothing
 * has run yet.
 */
export function isLeftBehind(gateway: Gateway, mark: StateMark, ran: Container | undefined): boolean {
  const { spec, underway, mark: life } = gateway;
  const hasRun = ran !== undefined && ran.state !== 'created' && carries(ran.labels, life);
  const isEarlier = mark.whole && compareReleases(mark.release, spec.release) < 0;
  return hasRun && isEarlier && underway === undefined && ran.labels[releaseLabel] === spec.release;
}

/** Writes the mark through a container that holds the state. */
export async function writeMark(
  deps: Deps,
  gateway: Gateway,
  { id }: Pick<Container, 'id'>,
  mark: StateMark,
): Promise<void> {
  const file = { path: stateMarkFile, content: writeStateMark(mark), mode: 0o600, uid: 1000 };
  await deps.engineAt(gateway.place).writeFiles(id, stateDirectory, [file]);
}

/** The mark of a life's state before anything was ever copied into it. */
export function firstMark({ mark, spec }: Gateway): StateMark {
  return { birth: mark.birth, release: spec.release, copy: 'first', whole: true };
}

/**
 * The state says that it is whole and belongs to the release on record, before anything is written beside it; `Refused`
 * when it says otherwise. One without a mark (new, or an older creel's) gets one.
 */
export async function keepMark(deps: Deps, gateway: Gateway, writer: Container): Promise<void> {
  const mark = await currentMark(deps, gateway, writer);
  if (!mark) return writeMark(deps, gateway, writer, firstMark(gateway));
  if (!isOwn(gateway, mark)) throw await notOwn(deps, gateway, mark);
}

/** Whether a state is whole, and of the release on record. */
export function isOwn({ spec }: Gateway, mark: StateMark): boolean {
  return mark.whole && mark.release === spec.release;
}

/**
 * The saved state that belongs to the record, where it is known which: the one that a replacement under way made, or
 * the one whose copy into a torn state was cut short. What counts is the release on the saved state itself, where no
 * owner can write.
 */
export async function belonging(
  deps: Deps,
  gateway: Gateway,
  mark: StateMark,
): Promise<{ readonly shelf: Shelf; readonly number: number } | undefined> {
  const { underway, spec } = gateway;
  const [from, made] = mark.copy.split('/');
  const shelf = shelves.find((each) => each === from);
  const cut = !mark.whole && mark.release === spec.release && shelf && { save: shelf, number: Number(made) };
  for (const { save, number } of [underway, cut || undefined].filter((each) => each !== undefined)) {
    const saved = await savedStateOf(deps, gateway, save);
    const { [releaseLabel]: release = spec.release } = saved?.labels ?? {};
    if (saved && isOf(saved, number) && release === spec.release) return { shelf: save, number };
  }
  return undefined;
}

/** The refusal of a state that is torn or another release's, with the remedy. */
export async function notOwn(deps: Deps, gateway: Gateway, mark: StateMark): Promise<Refused> {
  const { gateway: id } = gateway.mark;
  const { volume } = names(gateway.mark);
  const what = mark.whole
    ? `the state of ${id} (volume ${volume}) ${belongsTo(mark.release)} on record is ${gateway.spec.release}: a start would convert it`
    : `the state of ${id} (volume ${volume}) is torn: the copy of saved state ${mark.copy} of release ${mark.release} into it was cut short`;
  const known = await belonging(deps, gateway, mark);
  if (known) return new Refused(`${what}. \`creel provision ${id}\` puts its own back. See docs/runbook.md#state-torn`);
  return new Refused(`${what}. ${await remedy(deps, gateway, mark)}. See docs/runbook.md#state-torn`);
}

async function remedy(deps: Deps, gateway: Gateway, mark: StateMark): Promise<string> {
  const { gateway: id, birth } = gateway.mark;
  if (mark.whole)
    return `Ask for that release (\`creel provision ${id} -f gateway.toml --birth ${birth} --release ${mark.release}\` takes the life up with it), and upgrade it then; or put a state of release ${gateway.spec.release} there from a backup, without the file ${stateMarkFile}`;
  const saved = (await Promise.all(shelves.map(async (shelf) => savedStateOf(deps, gateway, shelf)))).filter(
    (each) => each?.labels[releaseLabel] === gateway.spec.release,
  );
  const there = saved.map((each) => each?.name).join(' and ');
  const from = there ? `from its saved state in volume ${there} (directory state)` : 'from a backup';
  return `Put it back ${from}, without the file ${stateMarkFile}, and ask again; or begin a new life without it: \`creel remove ${id} --purge\`, then \`creel provision ${id}\``;
}
