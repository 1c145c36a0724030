import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { directories } from '../settings/directories.js';
import { Refused } from '../domain/errors.js';

const foundForm = z.object({
  temporal: z.string(),
  docker: z.string().startsWith('unix:///'),
  startedEngine: z.boolean().default(false),
  images: z.record(z.string(), z.string()),
  /** The image of a machine that is a container. */
  machine: z.string().nullish(),
});

/** What scripts/bootstrap found or fetched for this machine. */
export type Found = z.infer<typeof foundForm>;

/** What scripts/bootstrap recorded, or `Refused` naming that script. */
export function readFound(env: NodeJS.ProcessEnv): Found {
  const file = join(directories(env).cache, 'found.json');
  try {
    return foundForm.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Refused(`${file} does not say what this machine has: run scripts/bootstrap first`, { cause: error });
  }
}
