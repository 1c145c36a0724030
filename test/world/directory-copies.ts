import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Way } from '../../src/domain/changes/copying.js';
import { stateMarkFile, writeStateMark } from '../../src/domain/gateway/state-mark.js';
import type { VolumeCopy } from '../../src/ports/docker-engine.js';
import { createFile, readRecord, readText, removeTree, replaceFile } from './directory-files.js';

const journal = z.object({
  way: z.enum(['save', 'restore']),
  state: z.string(),
  saved: z.string(),
  torn: z.string(),
  whole: z.string(),
  done: z.number(),
});
type Journal = z.infer<typeof journal>;

/** What stands in the way of the next piece, or says that there is none. */
export type Seen = 'goes on' | 'gone' | 'exited';

const paceMs = 2;

/**
 * What copiers of a `DirectoryEngine` do, piece by piece: a piece is a file, or the mark, or the emptying of a volume.
 *
 *     copies/<container>.json     which copy it makes and how many of its pieces are done
 *     copies/<container>.driver   the process that makes its pieces now: one that is dead makes none
 *     copies-paused               no copy goes on beyond as many pieces
 *
 * A copier whose process is gone or has given up stays, and goes on with its next piece when somebody looks at it or waits for it.
 */
export class DirectoryCopies {
  readonly #root: string;
  readonly #driving = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  begin(id: string, way: Way, { state, saved, whole }: VolumeCopy): void {
    const [torn, last] = [{ ...whole, whole: false }, whole].map(writeStateMark);
    this.#write(id, { way, state, saved, torn: torn ?? '', whole: last ?? '', done: 0 });
  }

  knows(id: string): boolean {
    return fs.existsSync(this.#file(id, 'json'));
  }

  forget(id: string): void {
    for (const kind of ['json', 'driver']) fs.rmSync(this.#file(id, kind), { force: true });
  }

  /** No copy goes on beyond this many of its pieces, in whatever process; undefined lifts that. */
  pause(after: number | undefined): void {
    const file = path.join(this.#root, 'copies-paused');
    if (after === undefined) fs.rmSync(file, { force: true });
    else replaceFile(file, String(after));
  }

  /** Makes the pieces that are left, or waits for whoever makes them; answers the exit code when it was the one who ended it. */
  async drive(
    id: string,
    look: () => Seen,
    between: ((piece: number) => Promise<void> | void) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<number | Exclude<Seen, 'goes on'>> {
    for (;;) {
      signal?.throwIfAborted();
      const seen = look();
      if (seen !== 'goes on') return seen;
      if (this.#isPaused(id) || !this.#claim(id)) {
        await sleep(paceMs);
        continue;
      }
      try {
        const ended = await this.#pieces(id, look, between, signal);
        if (ended !== undefined) return ended;
      } finally {
        this.#release(id);
      }
    }
  }

  /** One piece of a copier that nobody drives, as time would have it; the exit code when that was the last. */
  goOn(id: string): number | undefined {
    if (this.#isPaused(id) || !this.#claim(id)) return undefined;
    try {
      return this.#piece(id);
    } finally {
      this.#release(id);
    }
  }

  async #pieces(
    id: string,
    look: () => Seen,
    between: ((piece: number) => Promise<void> | void) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<number | Exclude<Seen, 'goes on'> | undefined> {
    while (!this.#isPaused(id)) {
      signal?.throwIfAborted();
      const seen = look();
      if (seen !== 'goes on') return seen;
      await between?.(this.#read(id)?.done ?? 0);
      if (look() !== 'goes on') continue;
      const ended = this.#piece(id);
      if (ended !== undefined) return ended;
    }
    return undefined;
  }

  #piece(id: string): number | undefined {
    const known = this.#read(id);
    if (!known) return undefined;
    const [state, shelf] = [this.#volume(known.state), this.#volume(known.saved)];
    const pieces = known.way === 'save' ? saving(known, state, shelf) : restoring(known, state, shelf);
    if (typeof pieces === 'number') return pieces;
    pieces[known.done]?.();
    this.#write(id, { ...known, done: known.done + 1 });
    return known.done + 1 >= pieces.length ? 0 : undefined;
  }

  #isPaused(id: string): boolean {
    const after = readText(path.join(this.#root, 'copies-paused'));
    return after !== undefined && (this.#read(id)?.done ?? 0) >= Number(after);
  }

  /** Of all processes and all attempts one makes the pieces of a copy. */
  #claim(id: string): boolean {
    if (this.#driving.has(id)) return false;
    const file = this.#file(id, 'driver');
    const driver = readText(file);
    if (driver !== undefined && isAlive(Number(driver))) return false;
    if (driver !== undefined) fs.rmSync(file, { force: true });
    if (!createFile(file, String(process.pid))) return false;
    this.#driving.add(id);
    return true;
  }

  #release(id: string): void {
    this.#driving.delete(id);
    fs.rmSync(this.#file(id, 'driver'), { force: true });
  }

  #read(id: string): Journal | undefined {
    return readRecord(this.#file(id, 'json'), journal);
  }

  #write(id: string, known: Journal): void {
    replaceFile(this.#file(id, 'json'), JSON.stringify(known));
  }

  #file(id: string, kind: string): string {
    return path.join(this.#root, 'copies', `${encodeURIComponent(id)}.${kind}`);
  }

  #volume(name: string): string {
    return path.join(this.#root, 'files', encodeURIComponent(name));
  }
}

/** What the copier exits with when there is nothing to restore, and when what is to be saved says that it is torn. */
export const nothingSaved = 3;
export const tornState = 4;

type Pieces = readonly (() => void)[];

function saving({ whole, torn: _torn }: Journal, state: string, shelf: string): Pieces | number {
  const saved = path.join(shelf, 'state');
  if (markText(state)?.includes('"whole":false')) return tornState;
  if (fs.existsSync(saved)) return 0;
  const partial = path.join(shelf, 'partial');
  return [
    () => {
      removeTree(partial);
      fs.mkdirSync(partial, { recursive: true });
    },
    ...entriesOf(state).map((entry) => () => copyEntry(state, partial, entry)),
    () => mark(partial, whole),
    () => fs.renameSync(partial, saved),
  ];
}

function restoring({ torn, whole }: Journal, state: string, shelf: string): Pieces | number {
  const saved = path.join(shelf, 'state');
  if (!fs.existsSync(saved)) return nothingSaved;
  return [
    () => mark(state, torn),
    () => empty(state),
    ...entriesOf(saved).map((entry) => () => copyEntry(saved, state, entry)),
    () => mark(state, whole),
  ];
}

/** The text of a mark that is a file: what else an owner has put there says nothing. */
function markText(state: string): string | undefined {
  const file = path.join(state, stateMarkFile);
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() ? readText(file) : undefined;
}

function mark(directory: string, text: string): void {
  const file = path.join(directory, stateMarkFile);
  for (const each of [`${file}.new`, file]) if (!isFile(each)) fs.rmSync(each, { recursive: true, force: true });
  replaceFile(file, text);
}

function isFile(place: string): boolean {
  return fs.lstatSync(place, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Everything in a directory but its mark, parents first. */
function entriesOf(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== stateMarkFile && !name.startsWith(`${stateMarkFile}/`))
    .toSorted();
}

function empty(directory: string): void {
  for (const name of fs.readdirSync(directory))
    if (name !== stateMarkFile) fs.rmSync(path.join(directory, name), { recursive: true, force: true });
}

function copyEntry(from: string, to: string, name: string): void {
  const [source, target] = [path.join(from, name), path.join(to, name)];
  const found = fs.lstatSync(source, { throwIfNoEntry: false });
  if (!found) return;
  if (found.isDirectory()) return void fs.mkdirSync(target, { recursive: true, mode: found.mode });
  if (found.isFIFO()) return; // Nothing of a copy needs one.
  fs.cpSync(source, target, { preserveTimestamps: true, verbatimSymlinks: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // No such process, or nobody's that we may ask.
  }
}
