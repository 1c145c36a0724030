import { defineConfig } from 'vitest/config';

const minute = 60_000;

export default defineConfig({
  test: {
    testTimeout: 5 * minute,
    hookTimeout: 5 * minute,
    maxConcurrency: 5,
    maxWorkers: 2,
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/ground/after-file.ts'],
  },
});
