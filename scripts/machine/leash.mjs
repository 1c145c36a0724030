/**
 * Runs the program given as arguments and ends it, with everything it started, as soon as our standard input closes: the one sign
 * that also comes when whoever started us was killed.
 */
import { spawn } from 'node:child_process';

const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });

function end() {
  signalGroup('SIGTERM');
  setTimeout(() => signalGroup('SIGKILL'), 3000);
}

function signalGroup(signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    process.exit(1);
  }
}

child.on('error', (error) => {
  process.stderr.write(`${program}: ${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code) => process.exit(code ?? 1));
process.stdin.on('close', end).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
