import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const triedForm = z.object({ image: z.string(), upgrade: z.boolean(), reloadsToken: z.boolean() });

/**
 * An image that has proved itself on this machine, by its id; whether by an upgrade to it too, and whether it took
 * another gateway token while it ran.
 */
export type Tried = z.infer<typeof triedForm>;

/** Notes it beside the list of the image's parts. */
export function noteTried(sbom: string, tried: Tried): void {
  const draft = `${noteOf(sbom)}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(tried), { mode: 0o600 });
  renameSync(draft, noteOf(sbom));
}

/**
 * What is noted of this very image, if it has proved itself, by an upgrade too where one is asked for. A note that does
 * not say all of it counts as none.
 */
export function findTried(sbom: string, { image, upgrade }: Omit<Tried, 'reloadsToken'>): Tried | undefined {
  const tried = read(noteOf(sbom));
  return tried?.image === image && (tried.upgrade || !upgrade) ? tried : undefined;
}

function noteOf(sbom: string): string {
  return path.join(path.dirname(sbom), 'tried.json');
}

function read(file: string): Tried | undefined {
  try {
    return triedForm.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
