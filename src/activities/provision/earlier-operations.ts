import { NotYet } from '../../domain/errors.js';
import type { Deps } from '../../world/deps.js';
import { until } from '../../world/until.js';

const dayMs = 24 * 3_600_000;

/** Waits until no workflow is open under the prefix: operations of a terminated entity may still be unwinding. */
export async function awaitNoOperations(deps: Deps, prefix: string): Promise<void> {
  const wait = { what: `operations under ${prefix}`, paceMs: 500, limitMs: dayMs };
  await until(wait, deps.signal(), async () => {
    const open = await deps.findOpenOperations(prefix);
    if (open.length > 0) throw new NotYet(`still open: ${open.slice(0, 3).join(', ')}`);
  });
}
