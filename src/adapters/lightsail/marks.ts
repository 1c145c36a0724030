import type { Tag } from '@aws-sdk/client-lightsail';
import { Foreign } from '../../domain/errors.js';
import { carries, markLabels, type Labels, type Mark } from '../../domain/gateway/gateway.js';

/** A mark as the tags of a machine; they are given with its creation, so that what has none is not ours. */
export function tagsOf(mark: Mark): Tag[] {
  return Object.entries(markLabels(mark)).map(([key, value]) => ({ key, value }));
}

/** The labels that tags are. */
export function labelsOf(tags: readonly Tag[] | undefined): Labels {
  return Object.fromEntries((tags ?? []).map(({ key, value }) => [key ?? '', value ?? '']));
}

/** `Foreign` where what bears our name does not carry our mark. */
export function demandOurs(kind: string, name: string, tags: readonly Tag[] | undefined, mark: Mark): void {
  if (!carries(labelsOf(tags), mark)) throw foreign(kind, name);
}

/** What bears our name and is not ours. */
export function foreign(kind: string, name: string): Foreign {
  return new Foreign(`${kind} ${name} exists without our mark. Will not touch it; see docs/runbook.md#foreign-machine`);
}
