import { createWriteStream, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Exports } from '../../ports/exports.js';
import { makePrivateDirectory, syncDirectory } from './directory-sync.js';

/** The names of exports that creel itself gave; whatever else lies in the directory is let be. */
const ownName = /^creel-[a-z]{10}-\d{8}T\d{6}Z\.jsonl$/;

/** Exports as files of one directory, the newest so many. */
export class ExportDirectory implements Exports {
  readonly #directory: string;
  readonly #keep: number;

  constructor({ directory, keep }: { readonly directory: string; readonly keep: number }) {
    this.#directory = directory;
    this.#keep = keep;
  }

  async keep(name: string, lines: AsyncIterable<string>): Promise<string> {
    makePrivateDirectory(this.#directory);
    const file = join(this.#directory, name);
    await writeWhole(file, lines);
    const own = readdirSync(this.#directory).filter((each) => ownName.test(each));
    const byTime = own.toSorted((one, other) => (timeIn(one) < timeIn(other) ? 1 : -1));
    for (const each of byTime.slice(this.#keep)) rmSync(join(this.#directory, each), { force: true });
    return file;
  }
}

function timeIn(name: string): string {
  return name.slice(-'yyyymmddThhmmssZ.jsonl'.length);
}

/** Writes lines as a file (0600) that is there as a whole or not at all. Nothing stays of one that failed. */
export async function writeWhole(file: string, lines: AsyncIterable<string>): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  try {
    await pipeline(Readable.from(lines), createWriteStream(draft, { mode: 0o600, flush: true }));
    renameSync(draft, file);
    syncDirectory(dirname(file));
  } finally {
    rmSync(draft, { force: true });
  }
}
