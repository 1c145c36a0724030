import { canInstallPackages, installPackages, missingFromApt } from './apt.mjs';
import { ask } from './run.mjs';

/** Whether the program answers by which the tests make certificates. */
export async function opensslIsThere() {
  return (await ask(['openssl', 'version'])) !== undefined;
}

export function installOpenssl() {
  return installPackages('openssl');
}

/** Why it cannot be had here, in sentences; none where apt can install it. */
export async function opensslProblems() {
  if (canInstallPackages() && (await missingFromApt('openssl')).length === 0) return [];
  const remedy = process.platform === 'darwin' ? 'brew install openssl' : 'sudo apt-get install openssl';
  return [`the tests make certificates with openssl, which is not on PATH: ${remedy}`];
}
