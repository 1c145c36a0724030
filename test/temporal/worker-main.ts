import { openTestWorld } from '../world/open-test-world.js';
import { runTestWorker } from './run-worker.js';

await runTestWorker(({ root }) => openTestWorld(root).deps);
