import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { canInstallPackages, installPackages } from './apt.mjs';
import { cacheDir } from './dirs.mjs';
import { ask, run } from './run.mjs';
import { Problem } from './say.mjs';
import { inScratch } from './scratch.mjs';

/** What a machine-made file system must not carry along: devices, and what debootstrap copied from the machine. */
const LEFT_OUT = ['dev/*', 'etc/resolv.conf', 'etc/hostname', 'var/cache/apt/*', 'var/lib/apt/lists/*', 'var/log/*'];

/** Whether a registry answers the engine for the pinned base; nothing is pulled. */
export async function registryAnswers(engine, base) {
  if (await isPresent(engine, base)) return true;
  const asked = engine.ask('GET', `/distribution/${referenceOf(base)}/json`, { timeoutMs: 8000 });
  return await asked.then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** Whether the base can be made from Debian's packages here; debootstrap runs programs of the architecture it makes. */
export function canDebootstrap(base, arch) {
  return existsSync(archiveOf(base, arch)) || (arch === process.arch && canInstallPackages());
}

/** Why an image cannot be made where neither of the two bases can be had. */
export function noBaseSentence(base, arch) {
  return `the gateway image needs a base: no registry answers the engine for ${referenceOf(base)}, and making one from Debian's packages takes Debian or Ubuntu, root, and the engine's own architecture (${arch}): let the engine reach a registry`;
}

/** Pulls the pinned base and answers its reference, or undefined where no registry gives it. */
export async function pullBase(engine, base, arch) {
  if (!(await registryAnswers(engine, base))) return undefined;
  if (await isPresent(engine, base)) return referenceOf(base);
  const query = new URLSearchParams({ fromImage: base.image, tag: base.digest, platform: `linux/${debianArch(arch)}` });
  const pulled = engine.follow('POST', `/images/create?${query}`, { timeoutMs: 60_000 });
  return await pulled.then(
    () => referenceOf(base),
    () => undefined,
  );
}

/** The cached archive of a minimal Debian made from Debian's packages; made first where it is missing. */
export async function debootstrapBase(base, arch) {
  const archive = archiveOf(base, arch);
  if (existsSync(archive)) return archive;
  if (!canDebootstrap(base, arch)) throw new Problem(noBaseSentence(base, arch));
  if ((await ask(['debootstrap', '--version'])) === undefined)
    await installPackages('debootstrap', 'debian-archive-keyring');
  await makeArchive(archive, base, arch);
  return archive;
}

async function isPresent(engine, base) {
  return (await engine.ask('GET', `/images/${referenceOf(base)}/json`)).status === 200;
}

function referenceOf(base) {
  return `${base.image}@${base.digest}`;
}

function archiveOf(base, arch) {
  return join(cacheDir, 'base', `debian-${base.suite}-${arch}.tar`);
}

async function makeArchive(archive, base, arch) {
  await inScratch('base', 'tree', async (dir) => {
    const tree = join(dir, 'tree');
    const made = join(dir, 'base.tar');
    await run('base', [
      'debootstrap',
      '--variant=minbase',
      '--include=ca-certificates',
      `--arch=${debianArch(arch)}`,
      base.suite,
      tree,
    ]);
    const leaveOut = LEFT_OUT.map((pattern) => `--exclude=./${pattern}`);
    await run('base', ['tar', '--numeric-owner', '--sort=name', ...leaveOut, '-C', tree, '-cf', made, '.']);
    renameSync(made, archive);
  });
}

function debianArch(arch) {
  return { x64: 'amd64', arm64: 'arm64' }[arch];
}
