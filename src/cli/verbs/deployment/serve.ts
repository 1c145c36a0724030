import { Command } from '@commander-js/extra-typings';
import type { WorkerFlags } from './worker.js';

/** Opens the front door in this process until it ends. */
export type RunFront = (flags: WorkerFlags) => Promise<void>;

/** `creel serve`: the HTTP server that billing systems talk to. It holds no master key and touches no engine. */
export function serveCommand(run: RunFront | undefined) {
  return new Command('serve')
    .description('hear webhooks of billing systems, until SIGTERM or Ctrl-C')
    .option('--address <host:port>', 'where Temporal is (else the Temporal environment, 127.0.0.1:7233)')
    .option('--namespace <name>', 'which namespace')
    .addHelpText(
      'after',
      `
Examples:
  CREEL_STRIPE_SECRETS=whsec_… creel serve                  POST /stripe, on 127.0.0.1:8088
  CREEL_BILLING_SECRETS=whsec_… CREEL_SERVE_AT=127.0.0.1:9000 creel serve

What is sold, and what a gateway gets for it, stands in plans.toml: README.md, "Sold by a webhook".`,
    )
    .action(async (flags) => run?.(flags));
}
