import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { canInstallPackages, isDebian, missingFromApt } from './apt.mjs';
import { canDebootstrap, noBaseSentence, registryAnswers } from './base.mjs';
import { absentBrowserSentence, browserPackage } from './browser.mjs';
import { cacheDir, root } from './dirs.mjs';
import { dockerdIsInstalled, livingDockerd } from './dockerd.mjs';
import { absentNodeSentence, ownVersion } from './node.mjs';
import { opensslProblems } from './openssl.mjs';
import { catalogue } from './recipe.mjs';
import { ask } from './run.mjs';
import { temporalRoute } from './temporal.mjs';

const GIB = 2 ** 30;
const LEAST_MEMORY = 3.5 * GIB;

/** Asks at once everything that could fail later. Answers { problems: [sentences], temporalRoute }. */
export async function preflight(lacking, here) {
  const [route, ...answers] = await Promise.all([
    lacking.temporal ? temporalRoute() : undefined,
    askMachine(),
    askNode(lacking),
    askEngine(lacking, here.docker),
    askBase(lacking, here.docker),
    askNpm(lacking),
    askBrowser(lacking),
    lacking.openssl ? opensslProblems() : [],
    askMemory(here.docker),
    askDisk(lacking, here.docker),
    askPorts(),
  ]);
  const problems = answers.flat();
  if (lacking.temporal && !route)
    problems.push(
      `a temporal binary is missing, and neither github.com nor the Go module proxy (which takes go on PATH) can be reached: ${interception()}let it reach one of them, or put the Temporal CLI on PATH (https://docs.temporal.io/cli)`,
    );
  return { problems, temporalRoute: route };
}

function askMachine() {
  if (['x64', 'arm64'].includes(process.arch) && ['linux', 'darwin'].includes(process.platform)) return [];
  return [`this is ${process.platform} on ${process.arch}; creel runs on Linux and macOS, on x64 and arm64`];
}

/** Its binaries for macOS are not where npm is. */
function askNode(lacking) {
  return lacking.node && process.platform !== 'linux' ? [absentNodeSentence()] : [];
}

async function askEngine(lacking, docker) {
  if (!lacking.engine) return [];
  if (docker.refused) return docker.refused;
  if (livingDockerd() !== undefined) return [];
  const installed = await dockerdIsInstalled();
  const isRoot = process.getuid?.() === 0;
  if (installed) return isRoot ? [] : ['Docker is installed here but not running: sudo systemctl start docker'];
  if (!canInstallPackages()) return [absentSentence()];
  const unknown = await missingFromApt('docker.io');
  return unknown.length === 0
    ? []
    : [
        `no Docker engine answers, and apt offers no docker.io: see the output of apt-get update (${interception()}package sources)`,
      ];
}

/** Nothing here has a port of its own choosing: servers take free ones, and all that can fail is that there are none. */
function askPorts() {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once('error', (error) => resolve([`no port of 127.0.0.1 can be listened on (${error.message})`]));
    listener.listen(0, '127.0.0.1', () => listener.close(() => resolve([])));
  });
}

function absentSentence() {
  if (process.platform === 'darwin')
    return 'no Docker engine answers: install and start Docker Desktop, OrbStack or Colima, or name a local socket with DOCKER_HOST=unix://…';
  if (isDebian())
    return 'no Docker engine answers: sudo apt-get install docker.io, and sudo usermod -aG docker "$USER" (as root, this script does it itself)';
  return 'no Docker engine answers: install one (https://docs.docker.com/engine/install), or name a local socket with DOCKER_HOST=unix://…';
}

/** Where the engine has yet to be installed, Debian's packages can be had as well. */
async function askBase(lacking, { engine, about }) {
  if ((lacking.recipes.length === 0 && !lacking.machine) || !engine || canDebootstrap(catalogue.base, about.arch))
    return [];
  return (await registryAnswers(engine, catalogue.base)) ? [] : [noBaseSentence(catalogue.base, about.arch)];
}

async function askNpm(lacking) {
  if (!lacking.node && !lacking.npm && lacking.recipes.length === 0) return [];
  if ((await ask(['npm', '--version'])) === undefined) return ['npm is not on PATH; it comes with Node'];
  const reached = await ask(['npm', 'view', 'commander', 'version', '--fetch-retries=0'], {
    timeoutMs: 20_000,
    cwd: root,
  });
  return reached === undefined
    ? [
        `the npm registry does not answer (npm view commander version): ${interception()}check the network and npm config get registry`,
      ]
    : [];
}

async function askBrowser(lacking) {
  if (!lacking.browser) return [];
  if (!canInstallPackages()) return [absentBrowserSentence()];
  const unknown = await missingFromApt(browserPackage);
  return unknown.length === 0 ? [] : [`${absentBrowserSentence()}; apt offers no ${browserPackage}`];
}

function interception() {
  return process.env.NODE_EXTRA_CA_CERTS
    ? ''
    : 'behind a proxy that opens TLS, NODE_EXTRA_CA_CERTS must name its certificate; ';
}

function askMemory(docker) {
  const memory = docker.about?.memory ?? totalmem();
  if (memory >= LEAST_MEMORY) return [];
  return [
    `${docker.about ? 'the Docker engine' : 'this machine'} has ${(memory / GIB).toFixed(1)} GB of memory; a gateway takes 2 and the rest of creel 1: give it 4`,
  ];
}

/** Why an image on OpenClaw's own cannot be made here: its base is pulled, and it and what it is made by lie on the engine's disk. */
export function roomForOfficial(docker) {
  const engineDir = process.platform === 'linux' ? [{ dir: imagesOf(docker), bytes: 3 * GIB }] : [];
  return shortOfDisk([...engineDir, { dir: cacheDir, bytes: 0.1 * GIB }]);
}

function askDisk(lacking, docker) {
  return shortOfDisk(diskNeeds(lacking, docker));
}

/** Needs that fall on the same file system add up. */
function shortOfDisk(wanted) {
  const needs = wanted.filter(({ bytes }) => bytes > 0);
  const perDisk = new Map();
  for (const { dir, bytes } of needs) {
    const { type, blocks, bavail, bsize } = statfsSync(existing(dir));
    const disk = `${type}-${blocks}-${bavail}`;
    const sum = perDisk.get(disk) ?? { dirs: [], bytes: 0, free: bavail * bsize };
    perDisk.set(disk, { dirs: [...sum.dirs, dir], bytes: sum.bytes + bytes, free: sum.free });
  }
  const short = [...perDisk.values()].filter(({ bytes, free }) => bytes > free);
  return short.map(
    ({ dirs, bytes, free }) => `${dirs.join(' and ')}: ${gigabytes(bytes)} are needed and ${gigabytes(free)} are free`,
  );
}

function imagesOf({ about }) {
  return about?.images ?? about?.dir ?? '/var/lib/docker';
}

/** Where how much disk goes while it works; the engine's directory only counts where it is on this machine. */
function diskNeeds(lacking, docker) {
  const releases = new Set(lacking.recipes.map(({ release }) => release)).size;
  const engineDir = imagesOf(docker);
  const cache = (lacking.node ? 0.3 : 0) + (lacking.temporal ? 2.5 : 0) + (releases > 0 ? 0.4 + 1.2 * releases : 0);
  const needs = [
    { dir: root, bytes: (lacking.npm ? 0.5 : 0) * GIB },
    { dir: cacheDir, bytes: cache * GIB },
    { dir: '/usr', bytes: (lacking.browser ? 0.6 : 0) * GIB },
  ];
  if (process.platform === 'linux')
    needs.push({
      dir: engineDir,
      bytes: ((lacking.engine ? 0.4 : 0) + 1.3 * releases + (releases > 0 ? 1 : 0) + (lacking.machine ? 0.6 : 0)) * GIB,
    });
  return needs;
}

/** What an image takes longer where containerd keeps the images: every instruction of its recipe unpacks a snapshot. */
const containerdSeconds = 60;

/** What bootstrap is about to do, in lines for a person. */
export function plan(lacking, route, docker, cores = availableParallelism()) {
  const image = (recipe) => ({
    what: `the image ${recipe.tag}, from npm and Debian packages`,
    seconds: (recipe.variant === 'plain' ? 55 : 105) + (docker.about?.images ? containerdSeconds : 0),
  });
  const besides = [
    ...(lacking.node
      ? [
          {
            what: `Node ${ownVersion}, from npm, for creel alone: it needs 22.12, and this is ${process.versions.node}`,
            seconds: 10,
          },
        ]
      : []),
    ...(lacking.npm ? [{ what: 'npm dependencies, as locked', seconds: 30 }] : []),
    ...(lacking.browser ? [{ what: 'Chromium, from Debian packages', seconds: 60 }] : []),
    ...(lacking.openssl ? [{ what: 'openssl, from Debian packages', seconds: 5 }] : []),
    ...(lacking.temporal
      ? [
          {
            what: `a temporal binary, ${route === 'download' ? 'downloaded' : 'built with go install'}`,
            seconds: route === 'download' ? 20 : 180,
          },
        ]
      : []),
  ];
  const inTurn = [
    ...(lacking.engine ? [{ what: 'a Docker engine, installed where it is missing, and started', seconds: 20 }] : []),
    ...lacking.recipes.map(image),
    ...(lacking.machine
      ? [{ what: 'the image of a machine that is a container, from Debian packages', seconds: 75 }]
      : []),
  ];
  const longest = secondsOf(besides, inTurn, cores);
  const disk = diskNeeds(lacking, docker).reduce((sum, { bytes }) => sum + bytes, 0);
  const time = longest < 90 ? `${longest} s` : `${Math.ceil(longest / 60)} min`;
  return [
    `creel gets what is missing here: about ${time}, up to ${gigabytes(disk)} of disk`,
    ...[...besides, ...inTurn].map(({ what }) => `  - ${what}`),
  ];
}

/**
 * How long it takes: as long as the longest of what goes side by side, where there are cores for it. Each part keeps about two of them
 * busy: on two, an image and a `go install` took 277 and 283 s side by side, everything from nothing 313 s.
 */
function secondsOf(besides, inTurn, cores) {
  const sum = (parts) => parts.reduce((total, { seconds }) => total + seconds, 0);
  const longest = Math.max(sum(inTurn), ...besides.map(({ seconds }) => seconds));
  return Math.max(longest, Math.ceil((sum(besides) + sum(inTurn)) / Math.max(1, cores / 2)));
}

function existing(dir) {
  if (dir === cacheDir) mkdirSync(dir, { recursive: true, mode: 0o700 });
  let path = dir;
  while (!existsSync(path)) path = dirname(path);
  return path;
}

function gigabytes(bytes) {
  return `${(bytes / GIB).toFixed(1)} GB`;
}
