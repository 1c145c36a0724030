import { fileURLToPath } from 'node:url';
import { errorText, exitOf, exits } from './cli/exit.js';
import { program } from './cli/program.js';
import type { WorkerFlags } from './cli/verbs/deployment/worker.js';

/** The main of the command line: runs one command and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.once('error', endUnread);
  const json = argv.includes('--json');
  try {
    await program(json, becomeWorker, openFront).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = exitOf(error);
    const text = errorText(error, json);
    if (text !== undefined) process.stderr.write(`${text}\n`);
    if (process.env['CREEL_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  }
}

/** What keeps a worker small: 275 MB with 300 gateways at once (`npm run bench -- many`). */
const memoryFlags = ['--max-old-space-size=192', '--max-semi-space-size=8'];

/**
 * Becomes the worker: the same process with the memory of one, where Node can be replaced (22.15 and newer) and nobody has given it
 * another; otherwise it works as it is.
 */
async function becomeWorker({ address, namespace }: WorkerFlags): Promise<void> {
  const { env, execArgv, execPath } = process;
  if (address !== undefined) env['TEMPORAL_ADDRESS'] = address;
  if (namespace !== undefined) env['TEMPORAL_NAMESPACE'] = namespace;
  if (![...execArgv, env['NODE_OPTIONS']].join(' ').includes('--max-old-space-size')) {
    const main = fileURLToPath(new URL('worker.js', import.meta.url));
    process.execve?.(execPath, [execPath, ...execArgv, ...memoryFlags, main], env);
  }
  await import('./worker.js');
}

/** The front door is loaded only where it is opened. */
async function openFront(flags: WorkerFlags): Promise<void> {
  const { serve } = await import('./front/serve.js');
  await serve(flags);
}

/** The reader has gone, like `head` when it has enough: ends silently, with the code that a shell knows for this. */
function endUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exits.unread);
}
