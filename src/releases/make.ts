import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { TurnedDown } from '../client/failure.js';

const madeForm = z.object({ image: z.string(), built: z.boolean(), sbom: z.string() });

/** An image on the engine of this machine: what it is called, whether it was built just now, and where the list of its parts lies. */
export type Made = z.infer<typeof madeForm>;

/** What the program says when something stands in the way and nothing was touched. */
const refusedCode = 3;

/**
 * Has the image of a release on this machine's engine, made by the recipe that bootstrap uses, or on a base of
 * OpenClaw's own, unless it is there: by the creel that the directory `here` belongs to. The end of the signal ends
 * that, and its reason is thrown; `TurnedDown` with any other.
 */
export async function makeImage(
  { version, base }: { readonly version: string; readonly base: string | undefined },
  engineSocket: string,
  signal: AbortSignal,
  here = import.meta.dirname,
): Promise<Made> {
  signal.throwIfAborted();
  const env = { ...process.env, DOCKER_HOST: `unix://${engineSocket}` };
  const child = spawn(process.execPath, [program(here), version, ...(base === undefined ? [] : [base])], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [answer, said] = ['', ''];
  child.stdout.on('data', (chunk) => (answer += String(chunk)));
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
    process.stderr.write(String(chunk));
  });
  const code = await endOf(child, signal);
  signal.throwIfAborted();
  if (code === 0) return madeForm.parse(JSON.parse(answer));
  const why = said
    .split('\n')
    .filter((line) => line !== '' && !/^ {2}[…✓] /.test(line))
    .join(' ');
  throw new TurnedDown(
    `the image of release ${version} was not made: ${why}`,
    code === refusedCode ? 'Refused' : 'Error',
  );
}

/** Its exit code once it has ended, which it is asked to when the signal fires; null when a signal has ended it. */
async function endOf(child: ChildProcess, signal: AbortSignal): Promise<number | null> {
  const end = () => child.kill();
  signal.addEventListener('abort', end);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** In the package that a directory belongs to: one that was installed is among the files of somebody else's project. */
function program(here: string): string {
  let own = here;
  while (!existsSync(path.join(own, 'package.json')) && own !== path.dirname(own)) own = path.dirname(own);
  const found = path.join(own, 'scripts', 'release.mjs');
  if (existsSync(path.join(own, 'package.json')) && existsSync(found)) return found;
  throw new TurnedDown(
    'scripts/release.mjs is not here: images are made in a checkout of creel. Name one that was made elsewhere with --image',
    'Refused',
  );
}
