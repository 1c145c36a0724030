import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages } from './apt.mjs';
import { stateDir } from './dirs.mjs';
import { findEngine } from './find-engine.mjs';
import { bornAt, lives } from './process.mjs';
import { ask, plainEnv, run } from './run.mjs';
import { Problem } from './say.mjs';

const note = join(stateDir, 'dockerd.json');
const log = join(stateDir, 'logs', 'dockerd.log');

/** Whether the engine that runs here is one that bootstrap started. */
export function startedByUs() {
  try {
    return lives(JSON.parse(readFileSync(note, 'utf8')));
  } catch {
    return false;
  }
}

/** The process id of a dockerd that lives on this machine, whoever started it. */
export function livingDockerd() {
  const noted = Number(readIfThere('/var/run/docker.pid'));
  if (noted && readIfThere(`/proc/${noted}/comm`) === 'dockerd') return noted;
  if (!existsSync('/proc')) return undefined;
  const pid = readdirSync('/proc').find(
    (name) => /^\d+$/.test(name) && readIfThere(`/proc/${name}/comm`) === 'dockerd',
  );
  return pid && Number(pid);
}

/** Whether the engine's program is installed. */
export async function dockerdIsInstalled() {
  return (await ask(['dockerd', '--version'])) !== undefined;
}

/** Installs the engine where it is missing, starts it where none lives, and answers what `findEngine` then finds. */
export async function provideEngine() {
  const before = livingDockerd();
  if (!(await dockerdIsInstalled())) await installPackages('docker.io');
  if (livingDockerd() === undefined && !(await startAsService())) start();
  const found = await waitForEngine();
  if (before === undefined) noteStarted(livingDockerd());
  return found;
}

/** Notes an engine that would not run without this bootstrap, also when the package or systemd has started it. */
function noteStarted(pid) {
  if (pid !== undefined) writeFileSync(note, JSON.stringify({ pid, born: bornAt(pid) }), { mode: 0o600 });
}

async function startAsService() {
  if (!existsSync('/run/systemd/system')) return false;
  return await run('docker', ['systemctl', 'start', 'docker']).then(
    () => true,
    () => false,
  );
}

/** In a session of its own, so that Ctrl-C here does not reach it; proxies are in the environment it inherits. */
function start() {
  const fd = openSync(log, 'a', 0o600);
  const child = spawn('dockerd', [], { detached: true, stdio: ['ignore', fd, fd], env: plainEnv(), cwd: '/' });
  child.on('error', () => {});
  closeSync(fd);
  if (child.pid === undefined) throw new Problem('dockerd could not be started');
  noteStarted(child.pid);
  child.unref();
}

async function waitForEngine() {
  for (let waited = 0; waited < 60_000; waited += 200) {
    const found = await findEngine();
    if (found.engine) return found;
    if (found.refused) throw new Problem(found.refused.join('; '));
    if (waited > 3000 && livingDockerd() === undefined) break;
    await sleep(200);
  }
  const lines = (readIfThere(log) ?? '').split('\n').slice(-6).join('\n    ');
  throw new Problem(`the Docker engine did not come up; ${log} ends:\n    ${lines}`);
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
