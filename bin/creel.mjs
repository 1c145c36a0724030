#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
/** The build of a checkout, or what was installed. */
const main = ['dist', 'lib'].map((name) => new URL(`../${name}/src/starter.js`, import.meta.url)).find(existsSync);
const newer = fileURLToPath(new URL('../scripts/node', import.meta.url));

if (major < 22 || (major === 22 && minor < 12)) runOnNewer();
else if (main !== undefined) {
  const creel = await import(main.href);
  await creel.main(process.argv.slice(2));
} else fail('it is not built yet. Build it with: npm run build');

/** In a checkout, the Node that bootstrap got runs this once more; the terminal's Ctrl-C reaches that one as well. */
function runOnNewer() {
  if (!existsSync(newer)) return fail(`it needs Node 22.12 or newer, and this is ${process.versions.node}`);
  const child = spawn(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal === null) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(why) {
  process.stderr.write(`creel: ${why}\n`);
  process.exitCode = 1;
}
