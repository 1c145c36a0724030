import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir } from './dirs.mjs';
import { Recipe, catalogue, imageDir, knownReleases } from './recipe.mjs';
import { ask, run } from './run.mjs';
import { Problem } from './say.mjs';
import { inScratch } from './scratch.mjs';

const releasesDir = join(dataDir, 'releases');

/** The recipe of a release: of creel's own catalogue, or with the lockfile that was made here once; undefined where there is none. */
export function lockedRecipe(release) {
  if (knownReleases().includes(release)) return new Recipe(release);
  const dir = join(releasesDir, release);
  return existsSync(join(dir, 'package-lock.json')) ? new Recipe(release, 'baked', dir) : undefined;
}

/** Makes the lockfile of a release from the npm registry. It comes last and whole, and stays: the same version is the same image for ever. */
export function lockRelease(release) {
  return inScratch('stage', `lock-${release}`, async (stage) => {
    const { pinned } = catalogue;
    const manifest = readFileSync(join(imageDir, pinned, 'package.json'), 'utf8').replaceAll(pinned, release);
    writeFileSync(join(stage, 'package.json'), manifest);
    writeFileSync(join(stage, '.npmrc'), readFileSync(join(imageDir, pinned, '.npmrc')));
    await run(`lock-${release}`, ['npm', 'install', '--package-lock-only', '--ignore-scripts'], { cwd: stage });
    const dir = join(releasesDir, release);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const name of ['package.json', '.npmrc', 'package-lock.json'])
      put(join(dir, name), readFileSync(join(stage, name)));
    return lockedRecipe(release);
  });
}

/** Where it is written what an image of this recipe consists of, as npm says it of the lockfile: CycloneDX. */
export async function provideSbom(recipe) {
  const dir = join(releasesDir, recipe.release);
  const file = join(dir, 'sbom.cdx.json');
  if (existsSync(file)) return file;
  const argv = ['npm', 'sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'];
  const said = await ask(argv, { cwd: recipe.dir, timeoutMs: 60_000 });
  if (said === undefined) throw new Problem(`npm sbom does not say what ${recipe.tag} consists of`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  put(file, said);
  return file;
}

/** Seen as a whole or not at all. */
function put(file, content) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}
