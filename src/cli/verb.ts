import { Command } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { connect, type Flags, type Target } from '../client/connect.js';
import { hearPatience } from '../client/patience.js';
import { exitHelp } from './exit.js';

/** A verb with the options that all have: where Temporal is, and whether a machine reads. */
export function verb(name: string, description: string, examples: readonly string[]) {
  return new Command(name)
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

/** Runs `work` with a connected client and closes the connection, whatever happens. */
export async function withTemporal<T>(flags: Flags, work: (client: Client, target: Target) => Promise<T>): Promise<T> {
  const { client, target, close } = await connect(flags);
  hearPatience(client, (sentence) => process.stderr.write(`creel: ${sentence}\n`));
  try {
    return await work(client, target);
  } finally {
    await close();
  }
}
