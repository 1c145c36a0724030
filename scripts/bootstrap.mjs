import { installBrowser } from './machine/browser.mjs';
import { makeMachine } from './machine/container-machine.mjs';
import { makeDirs } from './machine/dirs.mjs';
import { provideEngine } from './machine/dockerd.mjs';
import { writeFound } from './machine/found.mjs';
import { findImage, makeImages } from './machine/image.mjs';
import { bootstrapLock, withLock } from './machine/lock.mjs';
import { foundOf, isComplete, look, missing } from './machine/look.mjs';
import { installNode, ownVersion } from './machine/node.mjs';
import { installDependencies } from './machine/npm.mjs';
import { installOpenssl } from './machine/openssl.mjs';
import { readOptions, usage } from './machine/options.mjs';
import { plan, preflight } from './machine/preflight.mjs';
import { Problem, part, say } from './machine/say.mjs';
import { Recipe } from './machine/recipe.mjs';
import { provideTemporal } from './machine/temporal.mjs';

/** Gets what is wanted and missing; silent when nothing is, but about a release that was asked for by name. */
async function bootstrap(argv) {
  const wanted = readOptions(argv);
  if (wanted.help) return process.stdout.write(usage);
  makeDirs();
  const here = await look();
  if (!isComplete(missing(wanted, here))) await withLock(bootstrapLock, () => getWhatIsMissing(wanted));
  else writeFound(foundOf(here));
  for (const release of wanted.named) say(takeUp(release));
}

/** What to do with an image that somebody asked for by hand; whatever runs this as a part of its own wants none. */
function takeUp(release) {
  const { tag } = new Recipe(release);
  return `${tag} is on the engine. Once a worker runs: creel release add ${release} --image ${tag} --dev`;
}

/** Looks again first: another bootstrap may have done all of it while this one waited. */
async function getWhatIsMissing(wanted) {
  const here = await look();
  const lacking = missing(wanted, here);
  if (isComplete(lacking)) return writeFound(foundOf(here));
  const { problems, temporalRoute } = await preflight(lacking, here);
  if (problems.length > 0) throw new Problem(problems.join('\n'));
  for (const line of plan(lacking, temporalRoute, here.docker)) say(line);
  await doAll(partsOf(lacking, temporalRoute, here.docker));
  await confirm(wanted);
}

function partsOf(lacking, temporalRoute, docker) {
  const parts = [];
  if (lacking.node) parts.push(part(`Node ${ownVersion}`, installNode));
  if (lacking.npm) parts.push(part('npm dependencies', installDependencies));
  if (lacking.browser) parts.push(part('browser', installBrowser));
  if (lacking.openssl) parts.push(part('openssl', installOpenssl));
  if (lacking.temporal) parts.push(part('temporal', () => provideTemporal(temporalRoute)));
  if (lacking.engine || lacking.machine || lacking.recipes.length > 0) parts.push(provideDocker(lacking, docker));
  return parts;
}

/** The engine first, then the images that it has not, one after the other: they share the disk that bounds them. */
async function provideDocker(lacking, docker) {
  const { engine, about } = lacking.engine ? await part('Docker engine', provideEngine) : docker;
  const recipes = lacking.engine ? await notOn(engine, lacking.recipes, about.arch) : lacking.recipes;
  for (const group of groupByRelease(recipes).values())
    await part(`image ${group.map(({ tag }) => tag).join(', ')}`, () => makeImages(engine, group, about.arch));
  if (lacking.machine) await part('image of a machine', () => makeMachine(engine, about.arch));
}

/** An engine that was stopped may have them. */
async function notOn(engine, recipes, arch) {
  const found = await Promise.all(recipes.map((recipe) => findImage(engine, recipe, arch)));
  return recipes.filter((_recipe, index) => found[index] === undefined);
}

function groupByRelease(recipes) {
  const groups = new Map();
  for (const recipe of recipes) groups.set(recipe.release, [...(groups.get(recipe.release) ?? []), recipe]);
  return groups;
}

/** Lets every part come to its end before the first failure is told, so that none is cut off half done. */
async function doAll(parts) {
  const outcomes = await Promise.allSettled(parts);
  const failures = outcomes.filter(({ status }) => status === 'rejected').map(({ reason }) => reason);
  const unexpected = failures.find((reason) => !(reason instanceof Problem));
  if (unexpected) throw unexpected;
  if (failures.length > 0) throw new Problem(failures.map(({ message }) => message).join('\n'));
}

async function confirm(wanted) {
  const here = await look();
  const found = foundOf(here);
  writeFound(found);
  if (!isComplete(missing(wanted, here)))
    throw new Problem(`something that was just made is not there: ${JSON.stringify(found)}`);
  if (found.startedEngine) say('the Docker engine was started for this and stays');
}

bootstrap(process.argv.slice(2)).catch((error) => {
  const lines = error instanceof Problem ? error.message.split('\n') : [error.stack];
  for (const line of lines) say(`bootstrap: ${line}`);
  process.exitCode = 1;
});
