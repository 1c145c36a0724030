import type { Accepted } from '../../wire/requests.js';
import type { Showing } from './follow.js';
import { uiLink } from './ui-link.js';

/** Says which operation carries a request out; when it is not followed, also how to look at it. */
export function sayAccepted(accepted: Accepted, requestId: string, { json, target }: Showing, detached: boolean): void {
  const ui = uiLink(target, accepted.workflowId);
  if (json) {
    if (detached) process.stdout.write(`${JSON.stringify({ ...accepted, requestId, ...(ui && { ui }) })}\n`);
    return;
  }
  const { gateway, birth, operation, kind, state } = accepted;
  process.stdout.write(`${kind} ${gateway}: operation ${operation}, birth ${birth}, ${state} (request ${requestId})\n`);
  if (detached)
    process.stdout.write(`look at it with: creel describe ${gateway}\n${ui === undefined ? '' : `${ui}\n`}`);
}
