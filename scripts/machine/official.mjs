import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { dataDir } from './dirs.mjs';
import { MTIME, build, proxies, removeUntagged } from './image.mjs';
import { put } from './lockfile.mjs';
import { imageDir } from './recipe.mjs';
import { Problem } from './say.mjs';
import { tarOf } from './tar.mjs';

const PARTS = ['official.Dockerfile', 'official.mjs', 'bake.mjs'];

/** By this an image that was made on the way, or by an attempt that was cut short, is known as creel's own once it has lost its tag. */
const MARK = 'LABEL creel.dev="true"\n';

/** How long an engine may be silent while it pulls. */
const SILENCE_MS = 120_000;

/** One release as an image to be made on OpenClaw's own, which its digest names. */
export class OfficialRecipe {
  constructor(release, base) {
    this.release = release;
    this.base = base;
    this.variant = 'official';
  }

  get tag() {
    return `creel/openclaw:${this.release}-official`;
  }

  /** It changes with anything that could change the image. */
  hashes(arch) {
    const sum = createHash('sha256');
    for (const piece of [this.release, this.base, arch, ...PARTS.map(read)]) sum.update(piece).update('\0');
    return [sum.digest('hex').slice(0, 12)];
  }

  /** Where it is written what it consists of. */
  get sbom() {
    return join(dataDir, 'releases', this.tag.split(':')[1], 'sbom.cdx.json');
  }
}

/** Whether the list of the image's parts, which is made with it, is there. */
export function isListed(recipe) {
  return existsSync(recipe.sbom);
}

/** Pulls the base by its digest, demands and reads what creel needs of it, and makes the image. */
export async function makeOfficial(engine, recipe, arch) {
  await pull(engine, recipe.base);
  const found = readingIn(await attempt(engine, recipe, MARK, { nocache: '1' })); // A step out of the cache says nothing.
  const labels = labelsOf(recipe, arch, found);
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  await attempt(engine, recipe, `${MARK}LABEL ${pairs.join(' ')}\n`);
  await removeUntagged(engine);
  mkdirSync(join(recipe.sbom, '..'), { recursive: true, mode: 0o700 });
  put(recipe.sbom, `${JSON.stringify(partsOf(found.packages), null, 2)}\n`);
}

async function pull(engine, base) {
  const [image, digest] = base.split('@');
  const query = new URLSearchParams({ fromImage: image, tag: digest });
  try {
    await engine.follow('POST', `/images/create?${query}`, { timeoutMs: SILENCE_MS });
  } catch (error) {
    throw new Problem(`the engine does not get ${base}: ${error.message}`);
  }
}

/** Builds with this end of the recipe, and answers what its steps said. */
async function attempt(engine, recipe, end, more = {}) {
  const context = [
    { name: 'Dockerfile', content: Buffer.from(`${read('official.Dockerfile').toString()}${end}`) },
    ...['official.mjs', 'bake.mjs'].map((name) => ({ name, content: read(name) })),
  ];
  const buildargs = JSON.stringify({ ...proxies(), BASE: recipe.base, RELEASE: recipe.release });
  const query = { t: recipe.tag, buildargs, rm: '1', forcerm: '1', ...more };
  let said = '';
  try {
    const hear = (text) => (said += text);
    await build(engine, `image-${recipe.release}-official`, Readable.from(tarOf(context, MTIME)), query, hear);
  } catch (error) {
    const refused = /^creel-refused (.*)$/m.exec(said)?.[1];
    throw refused ? new Problem(`${recipe.base} is no base for a gateway of ${recipe.release}: ${refused}`) : error;
  }
  return said;
}

function readingIn(said) {
  const [, reading] = /^creel-reading (.*)$/m.exec(said) ?? [];
  if (reading === undefined) throw new Problem('the build did not say what the image has');
  return JSON.parse(reading);
}

function labelsOf(recipe, arch, { schemas, plugins, startupz }) {
  const own = {
    'creel.release': recipe.release,
    'creel.recipe': recipe.hashes(arch)[0],
    'creel.variant': recipe.variant,
    'creel.base': recipe.base,
    'creel.dev': 'true',
    'creel.arch': arch,
    'creel.plugins': plugins.join(','),
    'creel.capabilities': startupz ? 'startupz' : '',
  };
  const written = Object.entries(schemas).map(([name, version]) => [`creel.schema.${name}`, String(version)]);
  return { ...own, ...Object.fromEntries(written) };
}

/** CycloneDX, of what the image says that it has. */
function partsOf(packages) {
  const components = packages.map(({ name, version }) => ({
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
  }));
  return { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, components };
}

function read(name) {
  return readFileSync(join(imageDir, name));
}
