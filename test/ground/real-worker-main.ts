import path from 'node:path';
import { openWorld } from '../../src/open-world.js';
import { currentSignal } from '../../src/worker/current-signal.js';
import { runTestWorker } from './run-worker.js';
import { readHosts } from '../../src/settings/hosts.js';
import { readLightsail } from '../../src/settings/lightsail.js';
import { readEgress } from '../../src/settings/egress.js';
import { testKeys } from '../world/test-keys.js';
import { testCatalogue, testKey, testPool } from './real-ground.js';

await runTestWorker(
  ({ root, deployment, log }) =>
    openWorld({
      config: {
        catalogue: testCatalogue(),
        pool: testPool,
        engineSocket: process.env['TEST_ENGINE'] ?? '/var/run/docker.sock',
        hosts: readHosts(process.env['TEST_HOSTS'], '/nowhere/hosts.toml'),
        lightsail: readLightsail(
          process.env['TEST_LIGHTSAIL'],
          '/nowhere/lightsail.toml',
          process.env['TEST_LIGHTSAIL_ENDPOINT'],
        ),
        secretsFile: path.join(root, 'secrets'),
        auditFile: path.join(root, 'audit.jsonl'),
        egress: readEgress({
          proxy: process.env['TEST_GATEWAY_PROXY'],
          direct: undefined,
          authorities: process.env['TEST_GATEWAY_CA'],
        }),
        pager: undefined,
      },
      keys: testKeys(root, testKey),
      deployment,
      signal: currentSignal,
      log,
    }),
  'own thread',
);
