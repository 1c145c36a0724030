import { errorText, exitOf, exits } from './cli/exit.js';
import { program } from './cli/program.js';

/** The main of whatever asks for operations: runs one command line and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.once('error', endUnread);
  try {
    await program().parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = exitOf(error);
    const text = errorText(error, argv.includes('--json'));
    if (text !== undefined) process.stderr.write(`${text}\n`);
    if (process.env['CREEL_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  }
}

/** Whoever read has gone, like `head` when it has enough: ends without a word, with the code that a shell knows for it. */
function endUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exits.unread);
}
