import path from 'node:path';
import type { Page, Pager } from '../../src/ports/pager.js';
import { createFile, listNames, readText } from './directory-files.js';

/** A page is a file. */
export class DirectoryPager implements Pager {
  readonly #directory: string;

  constructor(root: string) {
    this.#directory = path.join(root, 'pages');
  }

  async page(page: Page): Promise<void> {
    createFile(path.join(this.#directory, encodeURIComponent(page.id)), JSON.stringify(page));
  }

  /** Every page that was sent, once each. */
  pages(): Page[] {
    return listNames(this.#directory).map(
      (name) => JSON.parse(readText(path.join(this.#directory, name)) ?? 'null') as Page,
    );
  }
}
