import { Refused } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Deps } from '../../world/deps.js';

/**
 * The life that a gateway's own record holds now, whatever the caller believes; `Refused` when there is none, when it
 * has ended, or when it has another birth.
 */
export async function lifeOnRecord(deps: Deps, asked: Gateway): Promise<Gateway> {
  const { gateway: id, birth } = asked.mark;
  const told = await deps.records.describe(id);
  if (!told?.life || told.phase === 'removed' || told.phase === 'none')
    throw new Refused(`gateway ${id} has no life on record. \`creel describe ${id}\` says what became of it`);
  if (told.life.mark.birth === birth && told.life.mark.deployment === asked.mark.deployment) return told.life;
  throw new Refused(`gateway ${id} lives with birth ${told.life.mark.birth}, not ${birth}: it is another gateway now`);
}
