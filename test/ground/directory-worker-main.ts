import path from 'node:path';
import { openSecrets } from '../../src/open-world.js';
import { openTestWorld, testDeployment } from '../world/open-test-world.js';
import { reaching } from '../world/reached-engines.js';
import { testKeyFile } from '../world/test-keys.js';
import { runTestWorker } from './run-worker.js';

// One with `TEST_REACHED` serves the engines of those directories as well, as over SSH. A worker on another machine than the key was rotated on has keys of its own; one with `TEST_SECRETS` reads what the command line stores.
await runTestWorker(({ root }) => {
  const own = openTestWorld(root, process.env['TEST_KEYS'] ?? root).deps;
  const reached = (process.env['TEST_REACHED'] ?? '').split(',').filter((each) => each !== '');
  const deps = reached.length === 0 ? own : reaching(own, reached);
  if (process.env['TEST_SECRETS'] !== 'file') return deps;
  const secretsFile = path.join(path.dirname(testKeyFile(root)), 'secrets');
  return { ...deps, secrets: openSecrets({ secretsFile }, () => deps.keys.all(), testDeployment) };
}, 'main thread');
