import { layout } from '../../domain/gateway/gateway.js';
import { judgeHeld, type HeldThing } from '../../domain/sweep/judge-held.js';
import { machineGonePaceMs, machineGoneTurnMs } from '../../domain/thresholds.js';
import type { Named } from '../../wire/sweep.js';
import type { Deps } from '../../world/deps.js';
import { until } from '../../world/until.js';
import { machinesOf } from '../parts/machine/own-machine.js';

/**
 * Removes what is left in a region of a life whose record has given it up: its machine, then its address, then its
 * snapshots, whichever of them was seen. The record is asked again right before, and the mark is read by the removal
 * itself. Answers why it stays; nothing when none of it is there any more.
 */
export async function sweepHeld(
  deps: Deps,
  { name, gateway, birth, at, ...asked }: Omit<Named, 'kind'> & Pick<HeldThing, 'kind'>,
): Promise<string | undefined> {
  if (!at) return 'nobody says in which region it is';
  const mark = { deployment: deps.about.deployment, gateway, birth, layout };
  const verdict = judgeHeld({ kind: asked.kind, name, mark }, await deps.records.owner(gateway), at);
  if (verdict.is === 'owned') return 'its gateway owns it now';
  if (verdict.is === 'report') return verdict.reason;
  const wait = {
    what: `${asked.kind} ${name} is not gone`,
    paceMs: machineGonePaceMs,
    slowsToMs: 20 * machineGonePaceMs,
    limitMs: Infinity,
    turnMs: machineGoneTurnMs,
  };
  await until(wait, deps.signal(), () => machinesOf(deps).provider.removeMachine({ mark, region: at.region }));
  return undefined;
}
