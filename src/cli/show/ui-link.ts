import type { Target } from '../../client/connect.js';

/** The page of a workflow in the Temporal UI; undefined when nobody said where the UI is. */
export function uiLink(target: Pick<Target, 'ui' | 'namespace'>, workflowId: string): string | undefined {
  if (target.ui === undefined) return undefined;
  return `${target.ui.replace(/\/$/, '')}/namespaces/${target.namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
