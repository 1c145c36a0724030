import { fileURLToPath } from 'node:url';
import { toClientOptions } from '@temporalio/envconfig';
import { readProfile } from './client/connect.js';
import { Unreachable } from './client/failure.js';
import { readConfig } from './settings/config.js';
import { formerIds } from './domain/hosts/deployment-engines.js';
import { Refused } from './domain/errors.js';
import { openKeyRing, openKeys } from './settings/key-file.js';
import { openWorld } from './open-world.js';
import { currentSignal } from './worker/current-signal.js';
import { openLog } from './worker/log.js';
import { runWorker } from './worker/run.js';
import { installRuntime } from './worker/runtime.js';

/** Works until SIGTERM or SIGINT. Anything that a person must mend ends it with one message and exit code 78. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  openKeys(config.keyFile);
  const { connectionOptions, namespace = 'default' } = toClientOptions(readProfile(process.env));
  const log = openLog(config.logLevel);
  installRuntime(log, config.metricsAt);
  if (!config.pager)
    log.warn('no pager is configured (CREEL_PAGER_URL): what a person must know goes to this log alone');
  await runWorker({
    server: { ...connectionOptions, address: connectionOptions.address ?? '127.0.0.1:7233' },
    namespace,
    readKeys: () => openKeys(config.keyFile),
    openWorld: (held) => {
      const keys = openKeyRing(config.keyFile, held);
      const { deployment, engines, epoch } = held;
      const known = { deployment, epoch, formerIds: (engine: string) => formerIds(engines, engine) };
      return openWorld({ config, keys, ...known, signal: currentSignal, log });
    },
    workflowBundle: { codePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) },
    slots: config.slots,
    remote: config.hosts,
    log,
    metered: config.metricsAt !== undefined,
    signal: endOfProcess(),
  });
}

function endOfProcess(): AbortSignal {
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  return ending.signal;
}

main().catch((error: unknown) => {
  if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 78;
});
