/** Compiles the sources and makes the bundles, of the programs and of the workflows, unless that was done for exactly these sources. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, draft, isCurrent, keep, keyOfSources, publish, sweep } from './machine/builds.mjs';
import { makeDirs, root } from './machine/dirs.mjs';
import { buildLock, withLock } from './machine/lock.mjs';

const key = keyOfSources();
if (!isCurrent(key)) {
  makeDirs();
  await withLock(buildLock, () => make());
}

async function make() {
  if (isCurrent(key)) return; // Another build did it while this one waited.
  if (!build(key).isComplete) await compile();
  publish(key);
  sweep();
}

/** The workflow bundle comes last and names a build complete; it is made where it stays, because it names the files it was made of. */
async function compile() {
  const made = draft();
  run(join('node_modules', '.bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', made);
  const { bundleMains } = await import('./machine/mains.mjs'); // It takes as long to load as all the rest of a build that is there.
  await bundleMains(made);
  const commit = commitOfSources();
  if (commit !== undefined) writeFileSync(join(made, 'commit'), `${commit}\n`);
  keep(made, key);
  run(join(build(key).directory, 'src', 'worker', 'bundle.js'));
}

/** The commit that the sources are of, and whether they differ from it; undefined outside a clone, and without git. */
function commitOfSources() {
  const git = (...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    if (git('rev-parse', '--show-prefix') !== '') return undefined; // The clone is somebody else's.
    const differs = git('status', '--porcelain', '--', 'src', 'package-lock.json') !== '';
    return `${git('rev-parse', '--short=10', 'HEAD')}${differs ? ', changed' : ''}`;
  } catch {
    return undefined;
  }
}

function run(program, ...args) {
  try {
    execFileSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' });
  } catch (error) {
    process.exit(error.status ?? 1); // It has said itself what is wrong.
  }
}
