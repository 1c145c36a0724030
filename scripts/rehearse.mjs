/** Runs the contracts and the e2e tests on an engine that this machine does not have: `npm run rehearse -- engine 29 [paths]`. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirs, root } from './machine/dirs.mjs';
import { provideEngine29 } from './rehearsal/engine-build.mjs';
import { findEngine } from './machine/find-engine.mjs';
import { withLock, bootstrapLock } from './machine/lock.mjs';
import { plainEnv } from './machine/run.mjs';
import { Problem, say } from './machine/say.mjs';
import { inScratch } from './machine/scratch.mjs';

const usage = `Usage: npm run rehearse -- engine 29 [test paths]

Runs the contracts, what takes an engine of its own, and the e2e tests (or only the given files) on a current Docker engine, beside the one that runs here.
Linux as root: the engine is built from its Go modules once, and runs in namespaces of its own; nothing of it stays.
Elsewhere, or where the machine's own engine is as new: the tests run on that one.
`;

async function rehearse([what, wanted, ...paths]) {
  if (what !== 'engine' || wanted !== '29') {
    process.stdout.write(usage);
    return what === '--help' ? 0 : 2;
  }
  makeDirs();
  const own = ['test/contracts', 'test/e2e'];
  const { engine, about, refused } = await findEngine();
  if (!engine)
    throw new Problem(
      refused?.join('; ') ?? 'no Docker engine runs here, and the images are taken from one: scripts/bootstrap',
    );
  if (Number.parseInt(about.version, 10) >= Number(wanted)) {
    say(`the engine of this machine is Docker ${about.version}: the tests run on it`);
    return await end(vitest(paths.length > 0 ? paths : own));
  }
  if (process.platform !== 'linux' || process.getuid() !== 0)
    throw new Problem(
      `this machine's engine is Docker ${about.version}. Update it (Docker Desktop: Settings, Software updates), or run this on Linux as root, where a current one is built and runs beside it`,
    );
  const programs = await withLock({ ...bootstrapLock, what: 'build of an engine' }, provideEngine29);
  return await inScratch('rehearsal', 'engine', (scratch) =>
    inNamespaces(
      programs,
      scratch,
      engine.socketPath,
      paths.length > 0 ? paths : ['test/contracts', 'test/rehearsal', 'test/e2e'],
    ),
  );
}

/** In namespaces of its own, whose first process gathers the orphans of an engine that is killed, on a leash: when this process is killed, everything in there goes with it. */
async function inNamespaces(programs, scratch, socket, paths) {
  const cgroup = `creel-rehearsal-${process.pid}`;
  const releases = ['2026.9.6', '2026.6.11'];
  const told = JSON.stringify({ programs, scratch, cgroup, releases, paths, socket });
  const inside = [process.execPath, join(root, 'scripts', 'rehearsal', 'engine-inside.mjs'), told];
  const argv = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', 'docker-init', '--', ...inside];
  const leash = join(root, 'scripts', 'machine', 'leash.mjs');
  try {
    return await end(
      spawn(process.execPath, [leash, ...argv], { env: plainEnv(), cwd: root, stdio: ['pipe', 'inherit', 'inherit'] }),
    );
  } finally {
    sweepGroups();
  }
}

/** Control groups outlive what ran in them: those of rehearsals that are over go. */
function sweepGroups() {
  for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')]) {
    const parent = join('/sys/fs/cgroup', hierarchy);
    for (const name of safely(() => readdirSync(parent)) ?? [])
      if (name.startsWith('creel-rehearsal-')) removeGroup(join(parent, name));
  }
}

function removeGroup(group) {
  if (safely(() => readFileSync(join(group, 'cgroup.procs'), 'utf8')) !== '') return;
  for (const each of safely(() => readdirSync(group, { withFileTypes: true })) ?? [])
    if (each.isDirectory()) removeGroup(join(group, each.name));
  safely(() => rmdirSync(group));
}

function safely(act) {
  try {
    return act();
  } catch {
    return undefined; // A group that is gone, or that another rehearsal still uses.
  }
}

function vitest(paths) {
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  return spawn(process.execPath, [program, 'run', ...paths], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

function end(child) {
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

rehearse(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error) => {
    const lines = error instanceof Problem ? error.message.split('\n') : [error.stack];
    for (const line of lines) say(`rehearse: ${line}`);
    process.exitCode = 1;
  },
);
