/**
 * Runs inside the build on OpenClaw's own image, as root: demands what creel needs of it, makes the user's directories
 * where they are missing, and says on one line what it found, as JSON.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const USER = { name: 'node', id: 1000, home: '/home/node' };
const app = '/app';
const wanted = process.argv[2];

const problems = [...user(), ...program(), ...directories()];
if (problems.length > 0) {
  console.log(`creel-refused ${problems.join('; ')}`);
  process.exit(1);
}
console.log(`creel-reading ${JSON.stringify(reading())}`);

function user() {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const [name, , id, group, , home] = lines.find((line) => line.startsWith(`${USER.name}:`))?.split(':') ?? [];
  if (name === undefined) return [`it has no user ${USER.name}`];
  if (Number(id) !== USER.id || Number(group) !== USER.id || home !== USER.home)
    return [`its user ${USER.name} is ${id}:${group} in ${home}, and has to be ${USER.id}:${USER.id} in ${USER.home}`];
  return [];
}

function program() {
  if (!existsSync(join(app, 'openclaw.mjs'))) return [`it has no ${app}/openclaw.mjs`];
  const { version } = packageOf(app);
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  return [
    ...(version === wanted ? [] : [`it is OpenClaw ${version}`]),
    ...(existsSync(certificates) ? [] : [`it has no ${certificates}`]),
  ];
}

/** A volume that is mounted there is made like the directory: it has to be the user's, and nobody else's. */
function directories() {
  return ['.openclaw', '.config'].flatMap((name) => {
    const at = join(USER.home, name);
    if (!existsSync(at)) {
      mkdirSync(at, { mode: 0o700, recursive: true });
      chownSync(at, USER.id, USER.id);
    }
    const { uid } = statSync(at);
    if (uid !== USER.id) return [`${at} belongs to ${uid}`];
    if (name === '.openclaw' && readdirSync(at).length > 0)
      return [`${at} is not empty: every new state would begin so`];
    chmodSync(at, 0o700);
    return [];
  });
}

function reading() {
  const { openclaw: { schemaVersions = {} } = {} } = packageOf(app);
  return { schemas: schemaVersions, plugins: plugins(), startupz: answersStartupz(), packages: packages() };
}

function packageOf(directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

function plugins() {
  const extensions = join(app, 'dist', 'extensions');
  const manifests = named(extensions).map((name) => join(extensions, name, 'openclaw.plugin.json'));
  const read = manifests.filter((file) => existsSync(file)).map((file) => JSON.parse(readFileSync(file, 'utf8')));
  return [...new Set(read.flatMap(({ channels = [] }) => channels))].toSorted();
}

function answersStartupz() {
  const programs = named(join(app, 'dist')).filter((name) => /\.m?js$/.test(name));
  return programs.some((name) => readFileSync(join(app, 'dist', name), 'utf8').includes('/startupz'));
}

/** What it consists of, as far as its packages lie one beside the other. */
function packages() {
  const modules = join(app, 'node_modules');
  const scoped = (name) => (name.startsWith('@') ? named(join(modules, name)).map((each) => join(name, each)) : [name]);
  const all = named(modules)
    .flatMap(scoped)
    .filter((name) => existsSync(join(modules, name, 'package.json')));
  const found = all.map((name) => packageOf(join(modules, name))).map(({ name, version }) => ({ name, version }));
  return [
    { name: 'openclaw', version: packageOf(app).version },
    ...found.filter(({ name, version }) => name && version),
  ];
}

function named(directory) {
  return existsSync(directory) ? readdirSync(directory) : [];
}
