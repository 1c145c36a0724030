import { engineId } from './engine-id.js';
import { Refused } from '../errors.js';
import { enginesLength } from '../thresholds.js';

/** An engine of a deployment, the machine its worker names, and the ids it had before. */
export type DeploymentEngine = {
  readonly engine: string;
  readonly host: string;
  readonly was?: readonly string[] | undefined;
};

/**
 * The engines once a worker has said that it serves one; the very same list when that is known already. `Refused` when
 * there are too many, or for an id that another engine had before.
 */
export function withEngine(
  known: readonly DeploymentEngine[],
  served: Pick<DeploymentEngine, 'engine' | 'host'>,
): readonly DeploymentEngine[] {
  const engine = engineId(served?.engine, 'the worker that serves it');
  demandOwnName(known, engine);
  const host = served.host.slice(0, 100);
  const before = known.find((each) => each.engine === engine);
  if (before?.host === host) return known;
  if (!before && known.length >= enginesLength)
    throw new Refused(`a deployment has at most ${enginesLength} engines. Run another deployment beside this one`);
  return before ? known.map((each) => (each === before ? { ...each, host } : each)) : [...known, { engine, host }];
}

/**
 * `Refused` when a host that is reached over SSH answers with another engine than it has on record, unless its settings
 * name that one. A host that has none on record is taken at its word.
 */
export function demandPinned(
  { name, engine: wanted }: { readonly name: string; readonly engine?: string },
  found: string,
  known: readonly DeploymentEngine[],
): void {
  const onRecord = known.filter(({ host }) => host === name);
  const isKnown = onRecord.length === 0 || onRecord.some(({ engine, was }) => [engine, ...(was ?? [])].includes(found));
  if (wanted === undefined ? isKnown : wanted === found) return;
  const before = wanted ?? onRecord.map(({ engine }) => engine).join(', ');
  throw new Refused(
    `host ${name} has engine ${found} now, and ${wanted === undefined ? 'it is on record' : 'its settings name it'} with ${before}. Nothing is done there. Put that engine back, or name the new one in hosts.toml: engine = "${found}"; see docs/runbook.md#another-engine-on-a-host`,
  );
}

/** An engine that had another id before. */
export type RenamedEngine = { readonly former: string; readonly engine: string };

/**
 * The engines once one is known under a new id; the very same list when that is known already. `Refused` when either id
 * is unknown.
 */
export function withRenamed(
  known: readonly DeploymentEngine[],
  { former, engine }: RenamedEngine,
): readonly DeploymentEngine[] {
  if (former !== engine && formerIds(known, engine).includes(former)) return known;
  const [before, now] = [former, engine].map((id) => known.find((each) => each.engine === id));
  if (!before || !now || before === now)
    throw new Refused(
      `engine ${former} cannot be engine ${engine} now. Those there are: ${known.map((each) => each.engine).join(', ') || 'none'}`,
    );
  const was = [...formerIds(known, engine), former, ...formerIds(known, former)];
  return known.flatMap((each) => (each === before ? [] : [each === now ? { ...each, was } : each]));
}

/** The ids that an engine had before this one, by which records still name it. */
export function formerIds(known: readonly DeploymentEngine[] | undefined, engine: string): readonly string[] {
  return known?.find((each) => each.engine === engine)?.was ?? [];
}

/**
 * `Refused` for an id that another engine had before: the machine that comes with it is a copy, or was thought to be
 * gone.
 */
export function demandOwnName(known: readonly DeploymentEngine[] | undefined, engine: string): void {
  const now = known?.find(({ was }) => was?.includes(engine));
  if (!now) return;
  throw new Refused(
    `engine ${engine} is known as engine ${now.engine} (${now.host}) now: this one is a copy of it, or the word that it was renamed was wrong. Nothing is done on it; see docs/runbook.md#engine-with-another-id`,
  );
}
