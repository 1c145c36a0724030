import path from 'node:path';
import { openSecrets } from '../../src/open-world.js';
import { openTestWorld, testDeployment } from '../world/open-test-world.js';
import { testKeyFile } from '../world/test-keys.js';
import { runTestWorker } from './run-worker.js';

// A worker on another machine than the key was rotated on has keys of its own; one with `TEST_SECRETS` reads what the command line stores.
await runTestWorker(({ root }) => {
  const { deps } = openTestWorld(root, process.env['TEST_KEYS'] ?? root);
  if (process.env['TEST_SECRETS'] !== 'file') return deps;
  const secretsFile = path.join(path.dirname(testKeyFile(root)), 'secrets');
  return { ...deps, secrets: openSecrets({ secretsFile }, () => deps.keys.all(), testDeployment) };
}, 'main thread');
