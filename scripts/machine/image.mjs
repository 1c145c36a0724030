import { appendFileSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { debootstrapBase, pullBase } from './base.mjs';
import { logPath } from './dirs.mjs';
import { layOutPlugins } from './plugins.mjs';
import { catalogue } from './recipe.mjs';
import { run } from './run.mjs';
import { Problem } from './say.mjs';
import { inScratch } from './scratch.mjs';
import { tarOf } from './tar.mjs';

/** OpenClaw names its own caches after its package's time, so a time of its own per build would make equal images differ. */
export const MTIME = Date.UTC(2026, 0, 1) / 1000;

/**
 * The id of the finished image of this recipe on the engine, by its labels. A tag that was lost is put back; whoever builds upon
 * the image inherits its labels, so one that goes by another name only is never taken for it.
 */
export async function findImage(engine, recipe, arch) {
  const images = await imagesWith(engine, {
    label: [`creel.release=${recipe.release}`, `creel.variant=${recipe.variant}`],
  });
  const hashes = recipe.hashes(arch);
  const made = images.filter(({ Labels }) => hashes.includes(Labels['creel.recipe']));
  const tagged = made.find(({ RepoTags }) => RepoTags?.includes(recipe.tag));
  if (tagged) return tagged.Id;
  const [untagged] = made.filter(isNameless).toSorted((one, other) => one.Created - other.Created);
  if (untagged) await tag(engine, untagged.Id, recipe.tag);
  return untagged?.Id;
}

function isNameless({ RepoTags }) {
  return (RepoTags ?? []).every((name) => name === '<none>:<none>');
}

/** Makes the images of these recipes, which share one release, and removes what older recipes and broken builds left untagged. */
export function makeImages(engine, recipes, arch) {
  return inScratch('stage', recipes[0].release, async (stage) => {
    const [base] = await Promise.all([chooseBase(engine, arch), installInto(stage, recipes[0], arch)]);
    for (const recipe of recipes) await makeImage(engine, recipe, arch, base, stage);
    await removeUntagged(engine);
  });
}

let chosenBase;

/** One base for all images of one run: asking a registry that does not answer costs seconds. */
function chooseBase(engine, arch) {
  chosenBase ??= (async () => {
    const reference = await pullBase(engine, catalogue.base, arch);
    return reference
      ? { kind: 'registry', reference }
      : { kind: 'debootstrap', archive: await debootstrapBase(catalogue.base, arch) };
  })();
  return chosenBase;
}

async function installInto(stage, recipe, arch) {
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    copyFileSync(join(recipe.dir, name), join(stage, name));
  const platform = ['--os=linux', `--cpu=${arch}`, '--libc=glibc'];
  const flags = [
    '--omit=dev',
    '--include=optional',
    '--ignore-scripts',
    '--install-strategy=shallow',
    '--no-audit',
    '--no-fund',
  ];
  const env = { CREEL_IMAGE_NODE: recipe.known.node, NODE_OPTIONS: `--require "${recipe.asImageNode}"` };
  const root = pluginsIn(stage);
  await Promise.all([
    run(`image-${recipe.release}`, ['npm', 'ci', ...flags, ...platform], { cwd: stage, env }),
    layOutPlugins(recipe.plugins, { root, stage, arch }),
  ]);
}

/** Where the plugins lie in a stage, as they will in the root of the image. */
function pluginsIn(stage) {
  return join(stage, 'plugins');
}

async function makeImage(engine, recipe, arch, base, stage) {
  const app = join(stage, 'node_modules', 'openclaw');
  await build(engine, `image-${recipe.release}`, contextOf(recipe, arch, base, stage, app), {
    t: recipe.tag,
    target: recipe.variant,
    buildargs: JSON.stringify({ ...proxies(), ...(base.reference ? { BASE: base.reference } : {}) }),
    rm: '1',
    forcerm: '1',
  });
}

function contextOf(recipe, arch, base, stage, app) {
  const labels = recipe.labels(app, pluginsIn(stage), base.kind, arch);
  const entries = [
    { name: 'Dockerfile', content: Buffer.from(recipe.labelled(base.kind, labels)) },
    { name: 'bake.mjs', content: recipe.bake() },
    { name: 'node', path: join(stage, 'node_modules', `node-linux-${arch}`, 'bin', 'node') },
    { name: 'app', path: app },
    { name: 'plugins', path: pluginsIn(stage) },
  ];
  if (base.archive) entries.unshift({ name: 'base.tar', path: base.archive });
  return Readable.from(tarOf(entries, MTIME));
}

/** Has the engine build a context, its output in the log of that name; what its steps say is heard as well. */
export async function build(engine, name, context, query, hear = () => {}) {
  const log = logPath(name);
  const onMessage = (message) => {
    appendFileSync(log, message.stream ?? `${JSON.stringify(message)}\n`, { mode: 0o600 });
    hear(message.stream ?? '');
  };
  try {
    const messages = await engine.follow('POST', `/build?${new URLSearchParams(query)}`, {
      body: context,
      type: 'application/x-tar',
      onMessage,
    });
    if (!messages.some(({ aux }) => aux?.ID)) throw new Error('the engine ended the build without an image');
  } catch (error) {
    throw new Problem(`building ${query.t} failed: ${error.message}; the whole output is in ${log}`);
  }
}

/** What lost its tag to a newer image goes, and so does what a build that was cut short left; what a container still uses stays. */
export async function removeUntagged(engine) {
  const untagged = await imagesWith(engine, { dangling: ['true'], label: ['creel.dev=true'] });
  for (const { Id } of untagged) await engine.ask('DELETE', `/images/${Id}`, { timeoutMs: 120_000 });
}

async function imagesWith(engine, filters) {
  const { status, body } = await engine.ask(
    'GET',
    `/images/json?filters=${encodeURIComponent(JSON.stringify(filters))}`,
  );
  if (status !== 200) throw new Problem(`the engine does not list its images: ${body.message ?? body}`);
  return body;
}

async function tag(engine, id, name) {
  const [repo, version] = name.split(':');
  await engine.ask('POST', `/images/${id}/tag?repo=${encodeURIComponent(repo)}&tag=${version}`);
}

/** What a build is told of the proxies between here and the world. */
export function proxies() {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]);
  return Object.fromEntries(names.filter((name) => process.env[name]).map((name) => [name, process.env[name]]));
}
