import { execFile, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { logPath, root } from './dirs.mjs';
import { Problem } from './say.mjs';

/** The environment for other programs: system directories on PATH, and without what an outer npm says about itself. */
export function plainEnv(extra = {}) {
  const outer =
    /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|npm_config_prefix$|npm_command$|npm_execpath$|npm_node_execpath$|INIT_CWD$)/;
  const kept = Object.entries(process.env).filter(([name]) => !outer.test(name));
  const env = Object.fromEntries(kept);
  env.PATH = [env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(delimiter);
  return { ...env, ...extra };
}

/** Asks a program something quick; answers its output, or undefined where it is missing, fails or takes too long. */
export async function ask(argv, options) {
  const { said, failed } = await askWhy(argv, options);
  return failed === undefined ? said : undefined;
}

/** The same for one whose failure says something: what it said, and how it failed unless it did not. */
export function askWhy(argv, { timeoutMs = 10_000, cwd, env } = {}) {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, cwd, env: plainEnv(env), encoding: 'utf8', maxBuffer: 1 << 24 };
    execFile(argv[0], argv.slice(1), options, (error, said) => resolve({ said, failed: error?.message }));
  });
}

/** Runs a program to its end, its output in the log of that name, and ends it when this process dies. */
export function run(log, argv, { cwd, env } = {}) {
  const leash = join(root, 'scripts', 'machine', 'leash.mjs');
  return toTheEnd(log, argv, [process.execPath, leash, ...argv], { cwd, env, stdin: 'pipe' });
}

/** Runs a program that must not be cut short (a package manager in the middle of its database), even when this process dies. */
export function runUncut(log, argv, { env } = {}) {
  return toTheEnd(log, argv, argv, { env, stdin: 'ignore', detached: true });
}

function toTheEnd(log, shown, argv, { cwd, env, stdin, detached = false }) {
  const path = logPath(log);
  const fd = openSync(path, 'a', 0o600);
  const before = fstatSync(fd).size;
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { cwd, env: plainEnv(env), stdio: [stdin, fd, fd], detached });
    child.on('error', (error) => reject(new Problem(`${shown[0]} could not be run: ${error.message}`)));
    child.on('exit', (code, signal) => {
      if (code === 0) return resolve();
      reject(
        new Problem(
          `${shown.slice(0, 4).join(' ')} failed (${signal ?? `exit ${code}`}); from ${path}:\n${excerpt(path, before)}`,
        ),
      );
    });
  }).finally(() => closeSync(fd));
}

/** How a program's output began and how it ended: some say what was wrong first and their manual after it. */
function excerpt(path, from) {
  const lines = readFileSync(path)
    .subarray(from)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`);
  return (lines.length > 16 ? [...lines.slice(0, 8), '    …', ...lines.slice(-8)] : lines).join('\n');
}
