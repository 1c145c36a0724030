import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { directories } from '../../src/settings/directories.js';

const foundFile = z.object({
  temporal: z.string().nullish(),
  browser: z.string().nullish(),
  docker: z.string().startsWith('unix://').nullish(),
  images: z.record(z.string(), z.string()).optional(),
  /** The same releases without the baked compile cache. */
  plain: z.record(z.string(), z.string()).optional(),
});

/** What `scripts/bootstrap` found or made on this machine. */
export function found(): z.infer<typeof foundFile> {
  const file = path.join(directories(process.env).cache, 'found.json');
  try {
    return foundFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new Error(`${file} does not say what this machine has. Run scripts/bootstrap first`, { cause });
  }
}

/** Path of the Docker engine's socket. */
export function foundSocket(): string {
  const { docker } = found();
  if (!docker)
    throw new Error('no Docker engine was found on this machine. Run scripts/bootstrap, it says what is missing');
  return docker.slice('unix://'.length);
}

/** Id of a release's prepared image. */
export function foundImage(release: string): string {
  const image = found().images?.[release];
  if (!image) throw new Error(`the image of release ${release} is not prepared. Run scripts/bootstrap first`);
  return image;
}

/** Path of a `temporal` program with a dev server. */
export function foundTemporal(): string {
  const { temporal } = found();
  if (!temporal)
    throw new Error('no temporal program was found on this machine. Run scripts/bootstrap, it says what is missing');
  return temporal;
}

/** Path of a Chromium or a Google Chrome. */
export function foundBrowser(): string {
  const { browser } = found();
  if (!browser)
    throw new Error('no browser was found on this machine. Run scripts/bootstrap --browser, it says what is missing');
  return browser;
}
