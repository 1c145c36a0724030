import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir } from './dirs.mjs';
import { lockPlugins, lockedPlugins, pluginComponents } from './plugins.mjs';
import { Recipe, catalogue, imageDir, knownReleases } from './recipe.mjs';
import { ask, run } from './run.mjs';
import { Problem } from './say.mjs';
import { inScratch } from './scratch.mjs';

const releasesDir = join(dataDir, 'releases');

/** The recipe of a release: of creel's own catalogue, or with the lockfiles that were made here once; undefined where there are none. */
export function lockedRecipe(release) {
  if (knownReleases().includes(release)) return new Recipe(release);
  const dir = join(releasesDir, release);
  const isLocked = ['plugins-lock.json', 'package-lock.json'].every((name) => existsSync(join(dir, name)));
  return isLocked ? new Recipe(release, 'baked', dir) : undefined;
}

/**
 * Makes the lockfiles of a release from the npm registry. Each comes whole, and what is locked stays, so that the same version is the same
 * image for ever; but for a plugin that npm did not have then, which is asked for again.
 */
export function lockRelease(release) {
  return inScratch('stage', `lock-${release}`, async (stage) => {
    const dir = join(releasesDir, release);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const plugins = await lockPlugins(release, stage, lockedPlugins(dir));
    put(join(dir, 'plugins-lock.json'), `${JSON.stringify(plugins, null, 2)}\n`);
    if (!existsSync(join(dir, 'package-lock.json'))) await lockGateway(release, stage, dir);
    return lockedRecipe(release);
  });
}

async function lockGateway(release, stage, dir) {
  const { pinned } = catalogue;
  const manifest = readFileSync(join(imageDir, pinned, 'package.json'), 'utf8').replaceAll(pinned, release);
  writeFileSync(join(stage, 'package.json'), manifest);
  writeFileSync(join(stage, '.npmrc'), readFileSync(join(imageDir, pinned, '.npmrc')));
  await run(`lock-${release}`, ['npm', 'install', '--package-lock-only', '--ignore-scripts'], { cwd: stage });
  for (const name of ['package.json', '.npmrc', 'package-lock.json'])
    put(join(dir, name), readFileSync(join(stage, name)));
}

/** Where it is written what an image of this recipe consists of, as npm says it of the lockfile, and the plugins': CycloneDX. */
export async function provideSbom(recipe) {
  const dir = join(releasesDir, recipe.release);
  const file = join(dir, 'sbom.cdx.json');
  const plugins = pluginComponents(recipe.plugins);
  if (existsSync(file) && names(JSON.parse(readFileSync(file, 'utf8')), plugins)) return file;
  const argv = ['npm', 'sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'];
  const said = await ask(argv, { cwd: recipe.dir, timeoutMs: 60_000 });
  if (said === undefined) throw new Problem(`npm sbom does not say what ${recipe.tag} consists of`);
  const sbom = JSON.parse(said);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  put(file, `${JSON.stringify({ ...sbom, components: [...sbom.components, ...plugins] }, null, 2)}\n`);
  return file;
}

function names({ components = [] }, plugins) {
  const known = new Set(components.map((each) => each['bom-ref']));
  return plugins.every((each) => known.has(each['bom-ref']));
}

/** Seen as a whole or not at all. */
export function put(file, content) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}
