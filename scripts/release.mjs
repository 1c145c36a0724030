/**
 * Makes the image of any release on the engine of this machine, by the recipe of bootstrap or on OpenClaw's own image:
 * `node scripts/release.mjs VERSION [IMAGE@sha256:…]`. Says on standard output what it made, as JSON. `creel release add`
 * runs it.
 */
import { findEngine } from './machine/find-engine.mjs';
import { makeDirs } from './machine/dirs.mjs';
import { findImage, makeImages } from './machine/image.mjs';
import { bootstrapLock, withLock } from './machine/lock.mjs';
import { lockRelease, lockedRecipe, provideSbom } from './machine/lockfile.mjs';
import { OfficialRecipe, isListed, makeOfficial } from './machine/official.mjs';
import { preflight, roomForOfficial } from './machine/preflight.mjs';
import { Problem, part, say } from './machine/say.mjs';

/** Nothing was touched. */
class InTheWay extends Problem {}

/** What can be refused is, before anything is made; a lockfile or an image that is there already is taken. */
async function make(release, base) {
  makeDirs();
  const docker = await findEngine();
  if (!docker.engine)
    throw new InTheWay(
      docker.refused?.join('; ') ??
        'no Docker engine answers on this machine: start it, or name one with DOCKER_HOST=unix://…',
    );
  if (base !== undefined) return makeOn(new OfficialRecipe(release, base), docker);
  if (lockedRecipe(release)?.lacks.length > 0) await lockRelease(release).catch(() => undefined); // npm may have them by now.
  const made = (await findMade(release, docker)) ?? (await build(release, docker));
  for (const channel of lockedRecipe(release).lacks)
    say(`  npm has no @openclaw/${channel} ${release}: this image serves no channel ${channel}`);
  return made;
}

async function makeOn(recipe, docker) {
  const { engine, about } = docker;
  const made = { image: recipe.tag, sbom: recipe.sbom };
  return withLock({ ...bootstrapLock, what: 'build of an image' }, async () => {
    if (isListed(recipe) && (await findImage(engine, recipe, about.arch)) !== undefined)
      return { ...made, built: false };
    const problems = roomForOfficial(docker);
    if (problems.length > 0) throw new InTheWay(problems.join('\n'));
    await part(`image ${recipe.tag}`, () => makeOfficial(engine, recipe, about.arch));
    return { ...made, built: true };
  });
}

async function findMade(release, { engine, about }) {
  const recipe = lockedRecipe(release);
  if (!recipe || (await findImage(engine, recipe, about.arch)) === undefined) return undefined;
  return { image: recipe.tag, built: false, sbom: await provideSbom(recipe) };
}

async function build(release, docker) {
  const { problems } = await preflight({ recipes: [{ release }] }, { docker });
  if (problems.length > 0) throw new InTheWay(problems.join('\n'));
  return withLock({ ...bootstrapLock, what: 'build of an image' }, async () => {
    const made = await findMade(release, docker); // Another may have made it while this one waited.
    if (made) return made;
    const recipe = lockedRecipe(release) ?? (await part(`lockfile of ${release}`, () => lockRelease(release)));
    const sbom = await provideSbom(recipe);
    await part(`image ${recipe.tag}`, () => makeImages(docker.engine, [recipe], docker.about.arch));
    return { image: recipe.tag, built: true, sbom };
  });
}

make(process.argv[2], process.argv[3]).then(
  (made) => process.stdout.write(`${JSON.stringify(made)}\n`),
  (error) => {
    for (const line of (error instanceof Problem ? error.message : error.stack).split('\n')) say(line);
    process.exitCode = error instanceof InTheWay ? 3 : 1;
  },
);
