/** Puts what people install into `lib`, which `npm pack` takes along: of the build that is there the programs, the manual page, and the licences of what is in them. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './machine/dirs.mjs';
import { thirdParties } from './machine/third-parties.mjs';

const built = realpathSync(join(root, 'dist'));
const draft = join(root, `lib.${process.pid}`);
const lib = join(root, 'lib');

const programs = JSON.parse(readFileSync(join(built, 'packed.json'), 'utf8'));
for (const name of [...programs, 'workflow-bundle.js', 'commit']) copy(name);
writeFileSync(join(draft, 'creel.1'), manual());
writeFileSync(join(draft, 'THIRD-PARTY'), thirdParties(built));
rmSync(lib, { recursive: true, force: true });
renameSync(draft, lib);

/** A build outside a clone knows no commit. */
function copy(name) {
  const from = join(built, name);
  if (name === 'commit' && !existsSync(from)) return;
  mkdirSync(dirname(join(draft, name)), { recursive: true });
  cpSync(from, join(draft, name));
}

function manual() {
  return execFileSync(process.execPath, [join(root, 'bin', 'creel.mjs'), 'man']);
}
