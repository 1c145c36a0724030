import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { pidSpace } from '../../src/adapters/files/file-lock.js';
import { lives, processOf } from '../../src/dev/own-process.js';

/** How the directory of a ground is called; in it stands which process made which deployment. */
export const makersPrefix = 'creel-e2e-';
const makerFile = 'maker.json';

const maker = z.object({ deployment: z.string(), pid: z.number(), born: z.string(), space: z.string() });
type Maker = z.infer<typeof maker>;

/** Writes down that this process makes whatever carries the mark of this deployment. */
export function noteMaker(root: string, deployment: string): void {
  fs.writeFileSync(
    path.join(root, makerFile),
    JSON.stringify({ deployment, ...processOf(process.pid), space: pidSpace() }),
  );
}

/** The deployments whose makers were killed before they could clear up, each with its directory, and each for one asker only. */
export function takeDeadMakers(): { readonly deployment: string; readonly root: string }[] {
  const roots = fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith(makersPrefix));
  return roots.flatMap((name) => {
    const root = path.join(os.tmpdir(), name);
    const made = readMaker(root);
    return made && isDead(made) && take(root) ? [{ deployment: made.deployment, root }] : [];
  });
}

/** A process of another namespace of this kernel may live though nobody has its id here; one from before a restart is dead. */
function isDead({ space, ...process }: Maker): boolean {
  const here = pidSpace();
  if (space === here) return !lives(process);
  const [host, boot] = here.split('/');
  const [itsHost, itsBoot] = space.split('/');
  return itsHost === host && itsBoot !== boot;
}

function readMaker(root: string): Maker | undefined {
  try {
    return maker.parse(JSON.parse(fs.readFileSync(path.join(root, makerFile), 'utf8')));
  } catch {
    return undefined; // not written yet, or taken by somebody else
  }
}

/** Whoever moves the note away is the one that clears up. One that dies over it leaves what test/last names. */
function take(root: string): boolean {
  try {
    fs.renameSync(path.join(root, makerFile), path.join(root, `${makerFile}.taken`));
    return true;
  } catch {
    return false;
  }
}
