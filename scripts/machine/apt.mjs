import { readFileSync } from 'node:fs';
import { ask, runUncut } from './run.mjs';
import { Problem } from './say.mjs';

let turn = Promise.resolve();

/** Whether packages can be installed here: Debian or Ubuntu, as root. */
export function canInstallPackages() {
  return isDebian() && process.getuid?.() === 0;
}

/** Whether this is Debian or one of its children. */
export function isDebian() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/** Refreshes the package lists and answers which of these packages apt cannot offer; one unreachable list of several is no failure. */
export async function missingFromApt(...packages) {
  await refresh();
  const offered = await Promise.all(packages.map((name) => ask(['apt-cache', 'policy', name])));
  return packages.filter((_, index) => !/Candidate: (?!\(none\))/.test(offered[index] ?? ''));
}

/** Installs packages, one installation at a time, waiting for whoever else holds the package database. */
export function installPackages(...packages) {
  const work = async () => {
    await refresh();
    const argv = ['apt-get', 'install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
    await runUncut('apt', argv, { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  };
  turn = turn.catch(() => {}).then(work);
  return turn;
}

let refreshed;

function refresh() {
  refreshed ??= runUncut('apt', ['apt-get', 'update', '-o', 'DPkg::Lock::Timeout=300']).catch((error) => {
    if (!(error instanceof Problem)) throw error;
  });
  return refreshed;
}
