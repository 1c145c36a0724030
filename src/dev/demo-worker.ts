import { existsSync } from 'node:fs';
import { readConfig } from '../settings/config.js';
import { readLightsail } from '../settings/lightsail.js';
import { formerIds } from '../domain/hosts/deployment-engines.js';
import { openKeyRing, openKeys } from '../settings/key-file.js';
import { openWorld } from '../open-world.js';
import { currentSignal } from '../worker/current-signal.js';
import { openLog } from '../worker/log.js';
import { runWorker } from '../worker/run.js';
import { installRuntime } from '../worker/runtime.js';
import { compiled, demoNamespace, homeIn } from './demo-home.js';
import { readFound } from './found.js';

/** The demo's worker: `node demo-worker.js DIRECTORY ADDRESS`, a process of its own so that it can be killed. */
const [directory = '', address = ''] = process.argv.slice(2);
const { keyFile, lightsailFile } = homeIn(directory);
const found = readFound(process.env);
const config = {
  ...readConfig({ HOME: directory }),
  catalogue: Object.entries(found.images).map(([version, image]) => ({ version, image, dev: true })),
  engineSocket: found.docker.slice('unix://'.length),
  lightsail: existsSync(lightsailFile) ? readLightsail(lightsailFile, lightsailFile, undefined) : undefined,
};
openKeys(keyFile);
const log = openLog('info');
installRuntime(log, undefined);
log.warn('the demo has no pager: what a person must know goes to this log alone');
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
await runWorker({
  server: { address },
  namespace: demoNamespace,
  readKeys: () => openKeys(keyFile),
  openWorld: (held) => {
    const keys = openKeyRing(keyFile, held);
    const { deployment, engines, epoch } = held;
    const known = { deployment, epoch, formerIds: (engine: string) => formerIds(engines, engine) };
    return openWorld({ config, keys, ...known, signal: currentSignal, log });
  },
  workflowBundle: { codePath: compiled('workflow-bundle.js') },
  slots: config.slots,
  log,
  signal: ending.signal,
});
