/** Compiles the sources and makes the workflow bundle, unless that was done for exactly these sources. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build, draft, isCurrent, keep, keyOfSources, publish, sweep } from './machine/builds.mjs';
import { makeDirs, root } from './machine/dirs.mjs';
import { buildLock, withLock } from './machine/lock.mjs';

const key = keyOfSources();
if (!isCurrent(key)) {
  makeDirs();
  await withLock(buildLock, () => make());
}

function make() {
  if (isCurrent(key)) return; // Another build did it while this one waited.
  if (!build(key).isComplete) compile();
  publish(key);
  sweep();
}

/** The bundle comes last and names a build complete; it is made where it stays, because it names the files it was made of. */
function compile() {
  const made = draft();
  run(join('node_modules', '.bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', made);
  keep(made, key);
  run(join(build(key).directory, 'src', 'worker', 'bundle.js'));
}

function run(program, ...args) {
  try {
    execFileSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' });
  } catch (error) {
    process.exit(error.status ?? 1); // It has said itself what is wrong.
  }
}
