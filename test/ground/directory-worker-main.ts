import { openTestWorld } from '../world/open-test-world.js';
import { runTestWorker } from './run-worker.js';

// A worker on another machine than the key was rotated on has keys of its own.
await runTestWorker(({ root }) => openTestWorld(root, process.env['TEST_KEYS'] ?? root).deps, 'main thread');
