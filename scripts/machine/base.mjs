import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { canInstallPackages, installPackages } from './apt.mjs';
import { cacheDir } from './dirs.mjs';
import { ask, run } from './run.mjs';
import { Problem } from './say.mjs';

/** What a machine-made file system must not carry along: devices, and what debootstrap copied from the machine. */
const LEFT_OUT = ['dev/*', 'etc/resolv.conf', 'etc/hostname', 'var/cache/apt/*', 'var/lib/apt/lists/*', 'var/log/*'];

/** Pulls the pinned base and answers its reference, or undefined where no registry answers soon. */
export async function pullBase(engine, base, arch) {
  const reference = `${base.image}@${base.digest}`;
  const platform = `linux/${debianArch(arch)}`;
  const present = await engine.ask('GET', `/images/${encodeURIComponent(reference)}/json`);
  if (present.status === 200) return reference;
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), 6000);
  const onMessage = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), 60_000);
  };
  const path = `/images/create?fromImage=${base.image}&tag=${base.digest}&platform=${encodeURIComponent(platform)}`;
  try {
    await engine.follow('POST', path, { onMessage, signal: silence.signal });
    return reference;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** The cached archive of a minimal Debian made from Debian's packages; made first where it is missing. */
export async function debootstrapBase(base, arch) {
  const archive = join(cacheDir, 'base', `debian-${base.suite}-${arch}.tar`);
  if (existsSync(archive)) return archive;
  if (arch !== process.arch || !canInstallPackages())
    throw new Problem(
      `no image registry answers, so the image's base has to be made from Debian's packages, which takes Debian or Ubuntu, root, and the engine's own architecture (${arch}): let the engine reach a registry (docker pull ${base.image}@${base.digest})`,
    );
  if ((await ask(['debootstrap', '--version'])) === undefined) await installPackages('debootstrap', 'debian-archive-keyring');
  await makeArchive(archive, base, arch);
  return archive;
}

async function makeArchive(archive, base, arch) {
  mkdirSync(join(cacheDir, 'base'), { recursive: true, mode: 0o700 });
  const tree = join(cacheDir, 'base', `tree-${process.pid}`);
  try {
    await run('base', ['debootstrap', '--variant=minbase', '--include=ca-certificates', `--arch=${debianArch(arch)}`, base.suite, tree]);
    const leaveOut = LEFT_OUT.map((pattern) => `--exclude=./${pattern}`);
    await run('base', ['tar', '--numeric-owner', '--sort=name', ...leaveOut, '-C', tree, '-cf', `${archive}.${process.pid}`, '.']);
    renameSync(`${archive}.${process.pid}`, archive);
  } finally {
    rmSync(`${archive}.${process.pid}`, { force: true });
    rmSync(tree, { recursive: true, force: true });
  }
}

function debianArch(arch) {
  return { x64: 'amd64', arm64: 'arm64' }[arch];
}
