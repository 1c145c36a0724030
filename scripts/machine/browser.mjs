import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPackages } from './apt.mjs';
import { ask } from './run.mjs';

/** The Debian package of a browser that runs without a display. */
export const browserPackage = 'chromium';

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const macApplication = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The first Chromium or Google Chrome of this machine that answers; some are only a shim for a package that is not there. */
export async function findBrowser() {
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((dir) => programs.map((name) => join(dir, name)));
  for (const path of [...onPath, macApplication]) {
    if (existsSync(path) && /Chrom/.test((await ask([path, '--version'])) ?? '')) return path;
  }
  return undefined;
}

export function installBrowser() {
  return installPackages(browserPackage);
}

export function absentBrowserSentence() {
  const remedy =
    process.platform === 'darwin'
      ? 'install Google Chrome'
      : 'sudo apt-get install chromium, or put google-chrome on PATH';
  return `the tests open the Control UI in a browser, and neither Chromium nor Google Chrome is here: ${remedy}`;
}
