import { withRenamed } from '../../../domain/hosts/deployment-engines.js';
import { Bug, Refused } from '../../../domain/errors.js';
import { readMark, type Mark } from '../../../domain/gateway/gateway.js';
import type { Place } from '../../../domain/hosts/place.js';
import type { Description } from '../../../wire/description.js';
import type { Deps } from '../../../world/deps.js';

export type RenamedAsked = {
  readonly deployment: string;
  /** The id by which records name it. */
  readonly former: string;
  /** The engine as it is called now. */
  readonly place: Place;
};

/** How many gateways one sentence names. */
const shown = 10;

/**
 * Tells the deployment that an engine is the one of a former id, once that is proved: no worker stands beside the
 * former one, and the new one carries the mark of every gateway that has something there. `Refused` otherwise: on the
 * wrong engine nothing would be found, and every removal would count as done. Returns how many gateways proved it.
 */
export async function ensureRenamed(deps: Deps, { deployment, former, place }: RenamedAsked): Promise<number> {
  const { engine } = place;
  if (engine === undefined) throw new Bug(`no engine to be ${former} was named`);
  const known = await deps.findEngines();
  withRenamed(known, { former, engine }); // Refuses what the deployment would, before anybody is asked.
  if (known.some((each) => each.engine === former && (each.lately ?? each.attended)))
    throw new Refused(
      `a worker stands beside engine ${former}, or did minutes ago: it is there, and ${engine} is another one`,
    );
  const carried = await carriedBy(deps, deployment, place);
  const standing = await holdingOn(deps, former);
  const missing = standing.filter(({ gateway, birth }) => !carried.has(`${gateway}/${birth}`));
  if (standing.length === 0) throw new Refused(`no gateway stands on engine ${former} that could prove it`);
  if (missing.length > 0) throw notTheSame({ former, engine }, standing.length, missing);
  await deps.records.renameEngine({ former, engine });
  return standing.length;
}

async function carriedBy(deps: Deps, deployment: string, place: Place): Promise<ReadonlySet<string>> {
  const marks = (await deps.engineAt(place).listMarked()).map(({ labels }) => readMark(labels));
  const ours = marks.flatMap((mark) => (mark?.deployment === deployment ? [mark] : []));
  return new Set(ours.map(({ gateway, birth }) => `${gateway}/${birth}`));
}

/**
 * The lives that have something on an engine, as they report: they were proved there once, or their state is kept
 * there.
 */
async function holdingOn(deps: Deps, engine: string): Promise<Pick<Mark, 'gateway' | 'birth'>[]> {
  const holding: Mark[] = [];
  for await (const gateway of deps.records.standingOn(engine)) {
    const told = await deps.records.describe(gateway);
    if (told?.life?.place.engine === engine && hasSomething(told)) holding.push(told.life.mark);
  }
  return holding;
}

function hasSomething({ record, stateKeptUntil }: Description): boolean {
  return record !== undefined || stateKeptUntil !== undefined;
}

function notTheSame(
  { former, engine }: { former: string; engine: string },
  all: number,
  missing: readonly Pick<Mark, 'gateway'>[],
): Refused {
  const names = missing.slice(0, shown).map(({ gateway }) => gateway);
  const rest = missing.length > shown ? ` and ${missing.length - shown} more` : '';
  return new Refused(
    `engine ${engine} is not engine ${former}: of ${all} gateways that stand there it carries no mark of ${names.join(', ')}${rest}. Nothing was changed; see docs/runbook.md#engine-with-another-id`,
  );
}
