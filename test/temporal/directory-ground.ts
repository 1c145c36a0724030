import { openTestWorld, testDeployment, type TestWorld } from '../world/open-test-world.js';
import { Ground } from './ground.js';
import type { TestServer } from './server.js';

/** A ground over a directory world. */
export class DirectoryGround extends Ground {
  readonly world: TestWorld;
  protected readonly main = 'dist/test/temporal/worker-main.js';

  constructor(server: TestServer) {
    const world = openTestWorld();
    super(server, world.root, testDeployment);
    this.world = world;
  }

  override async close(): Promise<void> {
    await super.close();
    this.world.close();
  }
}
