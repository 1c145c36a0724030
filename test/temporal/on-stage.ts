import { afterAll, beforeAll, it } from 'vitest';
import type { Limits } from '../../src/workflows/limits.js';
import { TestServer } from './server.js';
import { Stage } from './stage.js';

/** One dev server for a test file; each test gets a stage on it. Tests of a file run side by side. */
export function onStage(limits: Partial<Limits> = {}) {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());
  return (title: string, run: (stage: Stage, server: TestServer) => Promise<void>) =>
    it.concurrent(title, async () => {
      const stage = new Stage(server, limits);
      try {
        await run(stage, server);
      } finally {
        await stage.close();
      }
    });
}
