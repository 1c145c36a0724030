import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { makePrivateDirectory, syncDirectory } from '../adapters/files/directory-sync.js';
import { Refused } from '../domain/errors.js';
import { openKeys } from './key-file.js';

/** Where the keys lie, and the secrets beside them. */
export type Kept = { readonly keyFile: string; readonly secretsFile: string };

/** When what lies on this machine was last backed up, which keys were, and whether a secret has changed since. */
export type KeyBackup = { readonly at: number; readonly keyIds: readonly string[]; readonly secretsChanged: boolean };

const noteForm = z.object({ at: z.iso.datetime(), keyIds: z.array(z.string()), secrets: z.string() });

/** How often a copy is begun again because a key or a secret was changed meanwhile. */
const copies = 5;

/**
 * Copies every key of this machine and its secrets, as they are at one moment, into a directory below the given one, for
 * its owner alone, and notes that it was done. The directory, which is there as a whole or not at all, and the names of
 * the files. `Refused` when one cannot be copied.
 */
export function backUp(kept: Kept, into: string, now: Date): { readonly directory: string; readonly files: string[] } {
  openKeys(kept.keyFile);
  const directory = join(into, `creel-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`);
  if (existsSync(directory)) throw new Refused(`${directory} is there already: a backup is never written over`);
  const draft = `${directory}.part`;
  const files = whole(draft, () => {
    makePrivateDirectory(draft);
    const copied = copyOfOneMoment(() => filesOf(kept), draft);
    syncDirectory(draft);
    renameSync(draft, directory);
    syncDirectory(into);
    return copied;
  });
  const keyIds = openKeys(join(directory, basename(kept.keyFile))).map(({ id }) => id);
  noteBackup(kept, now, keyIds, join(directory, basename(kept.secretsFile)));
  return { directory, files: files.map((file) => basename(file)) };
}

/** Notes that whoever says so has backed up these keys and the secrets of this file: those that lie here. */
export function noteBackup(
  kept: Kept,
  now: Date,
  keyIds = openKeys(kept.keyFile).map(({ id }) => id),
  secretsFile = kept.secretsFile,
): void {
  const note = { at: now.toISOString(), keyIds, secrets: digestOf(secretsFile) };
  const draft = `${noteFile(kept)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(note)}\n`, { mode: 0o600, flush: true });
  renameSync(draft, noteFile(kept));
}

/** What is noted of the last backup on this machine; undefined when none is, or what is there is no note. */
export function readBackup(kept: Pick<Kept, 'secretsFile'>): KeyBackup | undefined {
  try {
    const { at, keyIds, secrets } = noteForm.parse(JSON.parse(readFileSync(noteFile(kept), 'utf8')));
    return { at: Date.parse(at), keyIds, secretsChanged: secrets !== digestOf(kept.secretsFile) };
  } catch {
    return undefined;
  }
}

function noteFile({ secretsFile }: Pick<Kept, 'secretsFile'>): string {
  return join(dirname(secretsFile), 'backup.json');
}

/** The key, those that lie beside it by their names, and the secrets. */
function filesOf({ keyFile, secretsFile }: Kept): string[] {
  const own = new RegExp(String.raw`^\.(next|back|retired-[0-9a-f]+)$`);
  const beside = readdirSync(dirname(keyFile)).filter(
    (name) => name.startsWith(basename(keyFile)) && own.test(name.slice(basename(keyFile).length)),
  );
  const keys = [keyFile, ...beside.map((name) => join(dirname(keyFile), name))];
  return existsSync(secretsFile) ? [...keys, secretsFile] : keys;
}

/** Nothing of a draft stays that did not become a backup. */
function whole<T>(draft: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (existsSync(draft)) rmSync(draft, { recursive: true }); // On Node 22 `force` does not forgive a path through a file.
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new Refused(`nothing was noted as backed up: ${error.message}`);
  }
}

/**
 * Copies files as they are at one moment, and reads the copies back: secrets are opened by the keys beside them alone,
 * and a rotation of the master key changes both. The files that were copied; `Refused` when they do not keep still.
 */
export function copyOfOneMoment(files: () => readonly string[], into: string): readonly string[] {
  for (let count = 1; count <= copies; count += 1) {
    const before = files();
    const of = (file: string) => join(into, basename(file));
    for (const file of before) writeFileSync(of(file), readFileSync(file), { mode: 0o600, flag: 'wx', flush: true });
    const after = files();
    const isSame = after.join('\0') === before.join('\0');
    if (isSame && after.every((file) => readFileSync(of(file)).equals(readFileSync(file)))) return before;
    for (const file of before) rmSync(of(file));
  }
  throw new Refused(
    'nothing was noted as backed up: keys or secrets are being changed. Give the command again when that is over',
  );
}

/** Of the secrets themselves; which gateway uses which is noted in the same file, anew where it is lost. */
function digestOf(secretsFile: string): string {
  const sum = createHash('sha256');
  if (existsSync(secretsFile)) {
    const { secrets = {} }: { secrets?: Record<string, string> } = JSON.parse(readFileSync(secretsFile, 'utf8'));
    for (const name of Object.keys(secrets).toSorted()) sum.update(`${name}\0${secrets[name]}\0`);
  }
  return sum.digest('hex');
}
