import { afterAll } from 'vitest';
import { removeScratch } from '../world/scratch.js';

// Set up before whatever a file of tests sets up itself, and so the last to run.
afterAll(removeScratch);
