import { CancellationScope, ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Page } from '../../ports/pager.js';
import type { Limits } from '../../wire/limits.js';
import { pagePolicy } from './policies.js';

/** Tells a person, for as long as it takes until somebody acknowledges. */
export async function tellPerson(input: { page: Page; limits: Limits }): Promise<void> {
  const { page } = proxyActivities<Pick<Activities, 'page'>>({
    ...pagePolicy(input.limits),
    summary: `page: ${input.page.title}`,
  });
  await page(input.page);
}

/** Starts a page as a run of its own, which outlives the one that sends it. The page's id is the run's: never two pages of one event. */
export async function sendPage(page: Page, limits: Limits): Promise<void> {
  await CancellationScope.nonCancellable(() =>
    startChild(tellPerson, {
      workflowId: `page/${page.id}`,
      args: [{ page, limits }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: page.title,
    }),
  );
}
