import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { connect, type Flags, type Target } from '../client/connect.js';
import { hearPatience } from '../client/patience.js';
import { exitHelp } from './exit.js';

const shown = new WeakMap<CommandUnknownOpts, readonly string[]>();

/** The examples in the help of a command. */
export function examplesOf(command: CommandUnknownOpts): readonly string[] {
  return shown.get(command) ?? [];
}

/** A verb with the options that all verbs share: where Temporal is, and `--json`. */
export function verb(name: string, description: string, examples: readonly string[]) {
  const command = new Command(name);
  shown.set(command, examples);
  return command
    .description(description)
    .option(
      '--address <host:port>',
      'where Temporal is (else the Temporal environment, the running demo, 127.0.0.1:7233)',
    )
    .option('--namespace <name>', 'which namespace')
    .option('--ui <url>', 'base of the Temporal UI, for links')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExamples:\n${examples.map((each) => `  ${each}`).join('\n')}\n${exitHelp}`);
}

/** Runs `work` with a connected client, and closes the connection in any case. */
export async function withTemporal<T>(flags: Flags, work: (client: Client, target: Target) => Promise<T>): Promise<T> {
  const { client, target, close } = await connect(flags);
  hearPatience(client, (sentence) => process.stderr.write(`creel: ${sentence}\n`));
  try {
    return await work(client, target);
  } finally {
    await close();
  }
}

/** What takes longer than this says what it is doing. */
const silentMs = 1_000;

/** Does the work, and says on standard error what that is when it takes long. */
export async function sayingSlow<T>(doing: string, work: () => Promise<T>): Promise<T> {
  const slow = setTimeout(() => process.stderr.write(`creel: ${doing}\n`), silentMs);
  try {
    return await work();
  } finally {
    clearTimeout(slow);
  }
}
