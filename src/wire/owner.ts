import { machineIn } from '../domain/hosts/region.js';
import type { Owner } from '../domain/sweep/owner.js';
import type { Description } from './description.js';

/** What a record says of whatever carries the mark of its gateway. One that never had a life says nothing. */
export function ownerIn(told: Description): Owner {
  const { life, phase, running, queue, left, record, former, stateKeptUntil } = told;
  if (!life || phase === 'none') return { is: 'unknown' };
  const { engine } = life.place;
  const at = machineIn(life.place);
  const releases = [life.spec.release, ...(former ? [former.release] : [])];
  const which = { birth: life.mark.birth, releases, ...(engine !== undefined && { engine }), ...(at && { at }) };
  const busy = running !== undefined || queue.length > 0;
  if (phase === 'removed') {
    const kept = stateKeptUntil === undefined ? {} : { keptUntil: stateKeptUntil };
    return { is: 'removed', ...which, busy, left: left.length > 0, ...kept, stateGoes: stateGoes(told) };
  }
  return {
    is: 'living',
    ...which,
    busy,
    settled: phase === 'ready' && left.length === 0 && record !== undefined && knowsShelf(former),
    replacement: life.replacement ?? 0,
    ...(former?.shelf !== undefined && { former: former.shelf }),
  };
}

/** An older version does not say where the state of the former release lies. */
function knowsShelf(former: Description['former']): boolean {
  return former === undefined || former.shelf !== undefined;
}

/**
 * Whether what removed the gateway took its state as well: a state that had vanished may have been put back, and what
 * stood on an engine that was given up is left alone. Both say so in the record.
 */
function stateGoes({ life, last, reason, stateKeptUntil }: Description): boolean {
  if (!last || !life || stateKeptUntil !== undefined || !last.workflowId.includes(`/${life.mark.birth}/`)) return false;
  if (last.kind === 'provision') return last.outcome === 'undone';
  return (last.kind === 'remove' || last.kind === 'purge') && last.outcome === 'done' && reason === '';
}
