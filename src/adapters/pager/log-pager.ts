import type { Logger } from 'pino';
import type { Page, Pager } from '../../ports/pager.js';

/** Pages into the log, where nobody may be looking: for a worker that was given no pager. */
export class LogPager implements Pager {
  readonly #log: Pick<Logger, 'error'>;

  constructor(log: Pick<Logger, 'error'>) {
    this.#log = log;
  }

  /** Writing it down is the only acknowledgement. */
  async page(page: Page): Promise<void> {
    this.#log.error({ page }, `PAGE ${page.gateway}: ${page.title}`);
  }
}
