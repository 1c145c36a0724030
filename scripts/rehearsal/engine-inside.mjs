/**
 * The first process of a rehearsal's own namespaces (mounts, network, processes): makes them fit for an engine, starts it,
 * moves the images over, and runs the tests on it. When it ends, however it ends, the kernel ends everything else in there.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir, root } from '../machine/dirs.mjs';
import { Engine } from '../machine/engine.mjs';
import { say } from '../machine/say.mjs';

const { programs, scratch, cgroup, releases, paths, socket: outer } = JSON.parse(process.argv[2] ?? '{}');
const socket = '/run/docker/docker.sock';
/** Two releases of the gateway, a few times over, and the states of a test run. */
const diskBytes = '16G';
const log = join(scratch, 'dockerd.log');

const sh = (...argv) => execFileSync(argv[0], argv.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });

/** A view of the kernel that fits this network, with the machine's control groups in it; directories of engines are empty ones. */
function prepare() {
  sh('mount', '--make-rprivate', '/');
  sh('mount', '-t', 'proc', 'proc', '/proc');
  sh('ip', 'link', 'set', 'lo', 'up');
  const groups = join(scratch, 'cgroup');
  mkdirSync(groups);
  sh('mount', '--rbind', '/sys/fs/cgroup', groups);
  sh('mount', '-t', 'sysfs', 'sysfs', '/sys');
  sh('mount', '--rbind', groups, '/sys/fs/cgroup');
  for (const directory of ['/run/docker', '/run/containerd']) {
    mkdirSync(directory, { recursive: true });
    sh('mount', '-t', 'tmpfs', 'tmpfs', directory);
  }
}

/** A disk of its own: what fills it fills nothing else, and it goes as one file. */
function makeDisk() {
  const file = join(scratch, 'disk');
  const data = join(scratch, 'data');
  mkdirSync(data);
  sh('truncate', '--size', diskBytes, file);
  sh('mkfs.ext4', '-q', '-m', '0', file);
  sh('mount', '-o', 'loop', file, data);
  return data;
}

function engineCommand(data) {
  const options = {
    'data-root': data,
    'exec-root': '/run/docker/exec',
    pidfile: '/run/docker/docker.pid',
    host: `unix://${socket}`,
    'cgroup-parent': cgroup,
    'userland-proxy-path': join(programs, 'docker-proxy'),
  };
  return [join(programs, 'dockerd'), ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)];
}

async function startEngine([program, ...flags]) {
  const fd = openSync(log, 'a', 0o600);
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` };
  const dockerd = spawn(program, flags, { stdio: ['ignore', fd, fd], env });
  closeSync(fd);
  const engine = new Engine(socket);
  for (let waited = 0; waited < 60_000; waited += 200) {
    if (dockerd.exitCode !== null) break;
    const ping = await engine.ask('GET', '/_ping').catch(() => undefined);
    if (ping?.status === 200) return engine;
    await sleep(200);
  }
  throw new Error(`the engine did not come up:\n${readFileSync(log, 'utf8').split('\n').slice(-12).join('\n')}`);
}

/** The prepared images of the machine's own engine; their ids are this engine's own. */
async function moveImages(engine) {
  const from = new Engine(outer);
  const ids = {};
  for (const release of releases) {
    const tag = `creel/openclaw:${release}`;
    const body = await from.open('GET', `/images/get?names=${encodeURIComponent(tag)}`, { timeoutMs: 120_000 });
    await engine.follow('POST', '/images/load?quiet=1', { body, type: 'application/x-tar', timeoutMs: 300_000 });
    ids[release] = (await engine.ask('GET', `/images/${tag}/json`)).body.Id;
  }
  return ids;
}

/** A cache of its own that says what is here; what is large in it is the machine's. */
function noteFound(images) {
  const cache = join(scratch, 'cache', 'creel');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  for (const name of ['bin', 'base', 'stage'])
    if (existsSync(join(cacheDir, name))) symlinkSync(join(cacheDir, name), join(cache, name));
  const found = JSON.parse(readFileSync(join(cacheDir, 'found.json'), 'utf8'));
  const here = { ...found, docker: `unix://${socket}`, startedEngine: false, images, plain: {} };
  writeFileSync(join(cache, 'found.json'), JSON.stringify(here), { mode: 0o600 });
  return join(scratch, 'cache');
}

/** Everything that looks for an engine at its usual place finds this one. */
function takeUsualPlace() {
  if (!existsSync('/run/docker.sock')) writeFileSync('/run/docker.sock', '');
  sh('mount', '--bind', socket, '/run/docker.sock');
}

/** What a test needs to end this engine and start it again. */
function runTests(cache, command, data) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const PATH = `${programs}:${process.env.PATH}`;
  const rehearsal = JSON.stringify({ command, data, log, socket, pidfile: '/run/docker/docker.pid' });
  const env = { ...process.env, PATH, XDG_CACHE_HOME: cache, REHEARSAL_ENGINE: rehearsal };
  const child = spawn(process.execPath, [vitest, 'run', ...paths], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

prepare();
const data = makeDisk();
const command = engineCommand(data);
const engine = await startEngine(command);
const { body: version } = await engine.ask('GET', '/version');
const { body: info } = await engine.ask('GET', '/info');
say(
  `engine ${version.Version} (API ${version.ApiVersion}, ${info.Driver}, cgroup v${info.CgroupVersion}) runs in namespaces of its own`,
);
const began = Date.now();
const images = await moveImages(engine);
say(`images moved over in ${Math.round((Date.now() - began) / 1000)} s`);
takeUsualPlace();
process.exit(await runTests(noteFound(images), command, data));
