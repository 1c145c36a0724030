import { openTestWorld, testDeployment, type TestWorld } from '../world/open-test-world.js';
import { Ground } from './ground.js';
import type { TestServer } from './server.js';

/** A ground over a directory world. */
export class DirectoryGround extends Ground {
  readonly world: TestWorld;
  protected readonly main = 'dist/test/ground/directory-worker-main.js';

  /**
   * On a queue of its own, unless the command line is to find its workers; over a world of its own, unless another master
   * of the same one is meant.
   */
  constructor(server: TestServer, queue?: string, world = openTestWorld()) {
    super(server, world.root, testDeployment, queue);
    this.world = world;
  }

  override async close(): Promise<void> {
    await super.close();
    this.world.close();
  }
}
