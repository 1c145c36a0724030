import type { Place } from '../../../domain/hosts/place.js';
import type { Life } from '../../../domain/gateway/life.js';
import type { KnownEngine } from '../../../domain/hosts/whereabouts.js';
import type { Deps } from '../../../world/deps.js';
import { findLives } from './host.js';

/** What a worker knows of its deployment's engines: its own, with a gateway's lives on it, and the others. */
export type EnginesSeen = {
  readonly here: string;
  readonly lives: readonly Life[];
  readonly others: readonly KnownEngine[];
  /** The ids that its own engine had before. */
  readonly hereWas?: readonly string[];
  /** There may be so many gateways and no more, or new ones are kept off its engine: the ledger is asked for this one, too. */
  readonly limited?: boolean;
};

const beside: Place = { provider: 'local', host: 'local' };

/**
 * The engine beside the worker that is asked, or the first that it reaches; what that holds of a gateway; and the other
 * engines that workers have served.
 */
export async function findEngines(deps: Deps, asked: { deployment: string; gateway: string }): Promise<EnginesSeen> {
  const here = await deps.hosts.findNearest();
  const [lives, known, limited] = await Promise.all([
    findLives(deps, { ...asked, place: { ...beside, engine: here } }),
    deps.findEngines(),
    isLimited(deps, here),
  ]);
  const hereWas = known.find(({ engine }) => engine === here)?.was;
  return {
    here,
    lives,
    others: known.filter(({ engine }) => engine !== here),
    ...(hereWas && { hereWas }),
    ...(limited && { limited }),
  };
}

async function isLimited(deps: Deps, here: string): Promise<boolean> {
  if (deps.ceiling !== undefined) return true;
  const { offer } = await deps.hosts.readHost({ ...beside, engine: here });
  return offer?.cordoned === true || (await deps.records.isCordoned(here));
}
