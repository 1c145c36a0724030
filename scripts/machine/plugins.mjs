import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { askWhy, run } from './run.mjs';
import { Problem } from './say.mjs';

/** The channels whose plugin is a package of its own, which carries all that it needs within: npm cannot install one by a lockfile. */
const channels = ['discord', 'slack', 'whatsapp'];
/** Where what they need lies in the image: below the gateway's own programs it takes every CommonJS file for a module. */
const needsDir = 'opt/openclaw-plugin-deps';

/** What a release's plugins-lock.json says of its plugins; nothing where there is none yet. */
export function lockedPlugins(dir) {
  const file = join(dir, 'plugins-lock.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** The channels that a release goes without, because npm did not have their plugin when it was locked. */
export function lackingPlugins(locked) {
  return Object.keys(locked ?? {}).filter((channel) => locked[channel] === null);
}

/** The locked plugins as an SBOM in the form of CycloneDX has them, each with what it carries. */
export function pluginComponents(locked) {
  const present = Object.values(locked ?? {}).filter((plugin) => plugin !== null);
  return present.map((plugin) => ({
    ...component(`${plugin.package}@${plugin.version}`),
    hashes: [{ alg: 'SHA-512', content: Buffer.from(plugin.integrity.split('-')[1], 'base64').toString('hex') }],
    components: plugin.carries.map((part) => component(part, `${plugin.package}@${plugin.version}|`)),
  }));
}

function component(spec, within = '') {
  const at = spec.lastIndexOf('@');
  const [name, version] = [spec.slice(0, at), spec.slice(at + 1)];
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { 'bom-ref': `${within}${spec}`, type: 'library', name, version, purl };
}

/** Locks each plugin at the gateway's own version; what is locked already stays, null is what npm does not have. */
export async function lockPlugins(release, stage, before = {}) {
  const locked = channels.map(async (channel) => [channel, before[channel] ?? (await lock(channel, release, stage))]);
  return Object.fromEntries(await Promise.all(locked));
}

async function lock(channel, version, stage) {
  const plugin = { package: `@openclaw/${channel}`, version };
  const integrity = await publishedIntegrity(plugin);
  if (integrity === undefined) return null;
  const tree = await unpack({ ...plugin, integrity }, join(stage, `lock-${channel}`));
  return { ...plugin, integrity, carries: [...new Set(packagesIn(join(tree, 'node_modules')).map(named))].toSorted() };
}

async function publishedIntegrity({ package: name, version }) {
  const argv = ['npm', 'view', `${name}@${version}`, 'dist.integrity', '--json'];
  const { said, failed } = await askWhy(argv, { cwd: '/', timeoutMs: 60_000 });
  if (!failed && said.trim() !== '') return JSON.parse(said);
  if (!failed || /"code": ?"E404"/.test(said)) return undefined;
  throw new Problem(`the npm registry does not say whether it has ${name}@${version}: ${said.trim() || failed}`);
}

/**
 * Lays out the plugins of a recipe as they lie in the image, below `root`: each beside the gateway's own plugins, which it trusts,
 * and what it needs outside, with a link to it. What is made for another platform than the image's is left out.
 */
export async function layOutPlugins(locked, { root, stage, arch }) {
  const extensions = join(root, 'app', 'dist', 'extensions');
  mkdirSync(extensions, { recursive: true });
  mkdirSync(join(root, needsDir), { recursive: true });
  const present = Object.entries(locked ?? {}).filter(([, plugin]) => plugin !== null);
  const laid = present.map(async ([channel, plugin]) => {
    const tree = await unpack(plugin, join(stage, `plugin-${channel}`));
    removeForeign(join(tree, 'node_modules'), arch);
    mkdirSync(join(root, needsDir, channel));
    renameSync(join(tree, 'node_modules'), join(root, needsDir, channel, 'node_modules'));
    symlinkSync(`/${needsDir}/${channel}/node_modules`, join(tree, 'node_modules'));
    renameSync(tree, join(extensions, channel));
  });
  await Promise.all(laid);
}

/** Fetches the very package that is locked and answers where it lies, unpacked; its scripts do not run. */
async function unpack({ package: name, version, integrity }, dir) {
  mkdirSync(dir);
  const spec = `${name}@${version}`;
  await run('plugins', ['npm', 'pack', spec, '--ignore-scripts', `--pack-destination=${dir}`], { cwd: dir });
  const [archive] = readdirSync(dir);
  const found = `sha512-${createHash('sha512')
    .update(readFileSync(join(dir, archive)))
    .digest('base64')}`;
  if (found !== integrity)
    throw new Problem(`npm gave another ${spec} than is locked: its integrity is ${found}, not ${integrity}`);
  await run('plugins', ['tar', '-xzf', join(dir, archive), '-C', dir]);
  rmSync(join(dir, archive));
  return join(dir, readdirSync(dir)[0]);
}

function removeForeign(modules, arch) {
  for (const { dir, about } of packagesIn(modules)) {
    const fits = isAmong(about.os, 'linux') && isAmong(about.cpu, arch) && isAmong(about.libc, 'glibc');
    if (!fits) rmSync(dir, { recursive: true });
  }
}

function isAmong(names, own) {
  const all = names === undefined ? [] : [names].flat();
  if (all.some((name) => name === `!${own}`)) return false;
  return all.every((name) => name.startsWith('!')) || all.includes(own);
}

/** Every package below a node_modules, at any depth. */
function packagesIn(modules) {
  if (!existsSync(modules)) return [];
  return readdirSync(modules)
    .flatMap((name) => (name.startsWith('@') ? readdirSync(join(modules, name)).map((own) => join(name, own)) : [name]))
    .map((name) => join(modules, name))
    .filter((dir) => existsSync(join(dir, 'package.json')))
    .flatMap((dir) => [
      { dir, about: JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) },
      ...packagesIn(join(dir, 'node_modules')),
    ]);
}

function named({ about }) {
  return `${about.name}@${about.version}`;
}
