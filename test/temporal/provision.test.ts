import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './server.js';
import { Stage } from './stage.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

describe('a gateway on a real Temporal server', () => {
  it('is provisioned and removed without a trace', async () => {
    const stage = new Stage(server);
    try {
      await stage.startWorker();
      const { birth } = await stage.provision();
      const ready = await stage.settled();
      expect(ready).toMatchObject({ phase: 'ready', reason: '' });
      expect(stage.world.engine.leftovers()).toEqual(stage.expected(birth));
      await stage.remove();
      expect(await stage.settled()).toMatchObject({ phase: 'removed' });
      expect(stage.world.engine.leftovers()).toEqual([]);
    } finally {
      await stage.close();
    }
  });
});
