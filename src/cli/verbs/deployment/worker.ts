import { Command } from '@commander-js/extra-typings';

/** What the command line says of a worker; all of its other settings stand in the environment. */
export type WorkerFlags = { readonly address?: string; readonly namespace?: string };

/** Runs a worker in this process until it ends. */
export type RunWorker = (flags: WorkerFlags) => Promise<void>;

/** `creel worker`: the worker beside the engine of this machine. */
export function workerCommand(run: RunWorker | undefined) {
  return new Command('worker')
    .description('work beside the Docker engine of this machine, until SIGTERM or Ctrl-C')
    .option('--address <host:port>', 'where Temporal is (else the Temporal environment, 127.0.0.1:7233)')
    .option('--namespace <name>', 'which namespace')
    .addHelpText(
      'after',
      `
Examples:
  creel init && creel worker
  CREEL_CATALOGUE=/etc/creel/catalogue.toml creel worker --address temporal.internal:7233

Every other setting is an environment variable: README.md, "Settings of a worker". It ends with exit code 78 when
something wants mending, and the last line says what.`,
    )
    .action(async (flags) => run?.(flags));
}
