import { errorText, exitOf } from './cli/exit.js';
import { program } from './cli/program.js';

/** The main of whatever asks for operations: runs one command line and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = exitOf(error);
    const text = errorText(error, argv.includes('--json'));
    if (text !== undefined) process.stderr.write(`${text}\n`);
    if (process.env['CREEL_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  }
}
