/**
 * Run after `npm install` has changed package-lock.json. A registry that mirrors only some platforms makes npm leave the other platforms'
 * optional packages out of the lockfile, and `npm ci` refuses such a lockfile everywhere. This adds them by name and version; the
 * integrity of those entries is unknown here, and npm asks for it where they are installed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));

const missing = Object.entries(lock.packages).flatMap(([place, { optionalDependencies = {}, dev }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => !isLocked(place, name))
    .map(([name, version]) => ({ name, version, dev })),
);
for (const { name, version, dev } of missing) lock.packages[`node_modules/${name}`] ??= entryFor(name, version, dev);
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${missing.length} optional packages added`);

/** Looks where Node would: beside the package that asks, and further and further up. */
function isLocked(place, name) {
  if (lock.packages[join(place, 'node_modules', name)]) return true;
  if (place === '') return false;
  return isLocked(place.slice(0, Math.max(0, place.lastIndexOf('node_modules/') - 1)), name);
}

/** What such a package runs on is in its name, which is how its author chose it. */
function entryFor(name, version, dev) {
  const words = name.split(/[/-]/);
  const os = words.filter((word) => SYSTEMS.includes(word));
  const cpu = words.filter((word) => PROCESSORS.includes(word));
  if (!/^\d/.test(version)) throw new Error(`${name} is wanted as ${version}, which is no single version`);
  if (os.length + cpu.length === 0) throw new Error(`${name} does not say in its name what it runs on`);
  return { version, ...(cpu.length > 0 && { cpu }), ...(dev && { dev }), optional: true, ...(os.length > 0 && { os }) };
}
