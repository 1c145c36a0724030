import type { Page } from '../../src/ports/pager.js';
import { DirectoryPager } from '../world/directory-pager.js';
import type { DirectoryGround } from './directory-ground.js';
import { Stage } from './stage.js';

/** One gateway id on a directory world, whose leavings can be listed. */
export class DirectoryStage extends Stage<DirectoryGround> {
  /** What is on the engine of this gateway. */
  leftovers(): string[] {
    return this.ground.world.engine.leftovers().filter((each) => each.includes(` oc-${this.id}-`));
  }

  /** What people were told about this gateway. */
  pages(): Page[] {
    return new DirectoryPager(this.ground.root).pages().filter(({ gateway }) => gateway === this.id);
  }
}
