import { findBrowser } from './browser.mjs';
import { hasMachine, machineTag } from './container-machine.mjs';
import { startedByUs } from './dockerd.mjs';
import { findEngine } from './find-engine.mjs';
import { findImage } from './image.mjs';
import { nodeIsThere } from './node.mjs';
import { npmIsThere } from './npm.mjs';
import { opensslIsThere } from './openssl.mjs';
import { Recipe, catalogue, knownReleases } from './recipe.mjs';
import { findTemporal } from './temporal.mjs';

/** What is here now, found by cheap probes: { node, npm, temporal, browser, openssl, docker, images, plain, machine }, `docker` as `findEngine` answers it. */
export async function look() {
  const [temporal, browser, openssl, docker] = await Promise.all([
    findTemporal(),
    findBrowser(),
    opensslIsThere(),
    findEngine(),
  ]);
  const images = docker.engine ? await imagesOn(docker, 'baked') : {};
  const plain = docker.engine ? await imagesOn(docker, 'plain') : {};
  const machine = docker.engine && (await hasMachine(docker.engine)) ? machineTag : undefined;
  return { node: nodeIsThere(), npm: npmIsThere(), temporal, browser, openssl, docker, images, plain, machine };
}

async function imagesOn({ engine, about }, variant) {
  const found = knownReleases().map(async (release) => [
    release,
    await findImage(engine, new Recipe(release, variant), about.arch),
  ]);
  return Object.fromEntries((await Promise.all(found)).filter(([, id]) => id !== undefined));
}

/** What of the wanted is missing: { node, npm, temporal, engine, browser, openssl, machine, recipes }. */
export function missing(wanted, here) {
  const baked = wanted.releases.filter((release) => !here.images[release]).map((release) => new Recipe(release));
  const plain = wanted.plain && !here.plain[catalogue.pinned] ? [new Recipe(catalogue.pinned, 'plain')] : [];
  return {
    node: !here.node,
    npm: !here.npm,
    temporal: wanted.temporal && !here.temporal,
    engine: wanted.engine && !here.docker.engine,
    browser: wanted.browser && !here.browser,
    openssl: wanted.openssl && !here.openssl,
    machine: wanted.machine && !here.machine,
    recipes: [...baked, ...plain],
  };
}

/** Whether nothing is missing. */
export function isComplete(lacking) {
  const { node, npm, temporal, engine, browser, openssl, machine, recipes } = lacking;
  return !node && !npm && !temporal && !engine && !browser && !openssl && !machine && recipes.length === 0;
}

/** What was found, in the form that the rest of creel reads. */
export function foundOf(here) {
  return {
    version: 1,
    temporal: here.temporal ?? null,
    browser: here.browser ?? null,
    docker: here.docker.engine?.endpoint ?? null,
    startedEngine: here.docker.engine !== undefined && startedByUs(),
    images: here.images,
    plain: here.plain,
    machine: here.machine ?? null,
  };
}
