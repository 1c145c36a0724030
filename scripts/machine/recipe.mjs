import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './dirs.mjs';
import { lackingPlugins, lockedPlugins } from './plugins.mjs';

/** Where the recipes lie. */
export const imageDir = join(root, 'image');
const BASES = ['registry', 'debootstrap'];

/** image/releases.json: the pinned release, the base, and what is known of each release. */
export const catalogue = JSON.parse(readFileSync(join(imageDir, 'releases.json'), 'utf8'));

/** One release as an image to be made: baked, with the compile cache, or plain. */
export class Recipe {
  /** Of a release of the catalogue, or of another whose lockfile lies in `dir`: all that is known of that one is its Node. */
  constructor(release, variant = 'baked', dir = join(imageDir, release)) {
    this.release = release;
    this.variant = variant;
    this.dir = dir;
  }

  get tag() {
    return `creel/openclaw:${this.release}${this.variant === 'plain' ? '-plain' : ''}`;
  }

  get known() {
    return catalogue.releases[this.release] ?? { node: catalogue.releases[catalogue.pinned].node, capabilities: [] };
  }

  /** The plugins that are packages of their own, by channel, as they are locked. */
  get plugins() {
    return lockedPlugins(this.dir);
  }

  /** The channels that it goes without, because npm had no plugin for them. */
  get lacks() {
    return lackingPlugins(this.plugins);
  }

  /** The file that makes npm judge packages by the Node of the image. */
  get asImageNode() {
    return join(imageDir, 'as-image-node.cjs');
  }

  /** Names what the image is made of; it changes with anything that could change the image. */
  hash(baseKind, arch) {
    const sum = createHash('sha256');
    const parts = [
      this.variant,
      baseKind,
      arch,
      JSON.stringify(catalogue.base),
      JSON.stringify(this.known),
      this.dockerfile(baseKind),
      this.bake(),
      readFileSync(this.asImageNode),
    ];
    const files = ['package.json', 'package-lock.json', 'plugins-lock.json'].map((name) => join(this.dir, name));
    const locked = files.filter(existsSync).map((file) => readFileSync(file));
    for (const piece of [...parts, ...locked]) sum.update(piece).update('\0');
    return sum.digest('hex').slice(0, 12);
  }

  /** The hashes under which a finished image may be found, whichever base it was made on. */
  hashes(arch) {
    return BASES.map((kind) => this.hash(kind, arch));
  }

  dockerfile(baseKind) {
    return (
      readFileSync(join(imageDir, `base.${baseKind}.Dockerfile`), 'utf8') +
      readFileSync(join(imageDir, 'Dockerfile'), 'utf8')
    );
  }

  /** The recipe with labels in one instruction: those that the engine is told besides become one each, which costs seconds on containerd's store. */
  labelled(baseKind, labels) {
    const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const stages = this.dockerfile(baseKind).split(/^(?=FROM )/m);
    const own = stages.findIndex((stage) => new RegExp(`^FROM .* AS ${this.variant}$`, 'm').test(stage));
    return stages
      .map((stage, index) => (index === own ? `${stage.trimEnd()}\nLABEL ${pairs.join(' ')}\n\n` : stage))
      .join('');
  }

  bake() {
    return readFileSync(join(imageDir, 'bake.mjs'));
  }

  /** What can be read off the packages without running them: schema versions, channel plugins, probes. */
  labels(app, plugins, baseKind, arch) {
    const { schemaVersions = {} } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')).openclaw ?? {};
    const capabilities = [...(answersStartupz(app) ? ['startupz'] : []), ...this.known.capabilities];
    const labels = {
      'creel.release': this.release,
      'creel.recipe': this.hash(baseKind, arch),
      'creel.variant': this.variant,
      'creel.dev': 'true',
      'creel.arch': arch,
      'creel.plugins': [app, join(plugins, 'app')].flatMap(channelPlugins).toSorted().join(','),
      'creel.capabilities': capabilities.join(','),
    };
    for (const [name, version] of Object.entries(schemaVersions)) labels[`creel.schema.${name}`] = String(version);
    return labels;
  }
}

/** Every release that the catalogue knows and has a lockfile for. */
export function knownReleases() {
  return Object.keys(catalogue.releases).filter((release) => existsSync(join(imageDir, release, 'package-lock.json')));
}

/** The channels whose plugin lies in an application. */
function channelPlugins(app) {
  const extensions = join(app, 'dist', 'extensions');
  const manifests = readdirSync(extensions).map((name) => join(extensions, name, 'openclaw.plugin.json'));
  return manifests.filter(existsSync).flatMap((path) => JSON.parse(readFileSync(path, 'utf8')).channels ?? []);
}

function answersStartupz(app) {
  const dist = join(app, 'dist');
  const programs = readdirSync(dist).filter((name) => /\.m?js$/.test(name));
  return programs.some((name) => readFileSync(join(dist, name), 'utf8').includes('/startupz'));
}
