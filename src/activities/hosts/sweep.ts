import { NotYet } from '../../domain/errors.js';
import { names, readMark, type Labels } from '../../domain/gateway/gateway.js';
import { replacementLabel } from '../../domain/changes/replacement.js';
import { placeOn, type RegionAt } from '../../domain/hosts/region.js';
import type { Owner } from '../../domain/sweep/owner.js';
import { judge, type Serving, type Standing } from '../../domain/sweep/judge.js';
import { holdsState, roleOf, type Thing } from '../../domain/sweep/thing.js';
import type { Gone, Named, Reported, SweepMemory, SweepPage, SweptEngine } from '../../wire/sweep.js';
import type { Deps } from '../../world/deps.js';
import { ownersOf } from './owners.js';
import { findRegionsToAsk } from './regions.js';
import { imagesThatGo } from './sweep-images.js';
import { trialsThatGo } from './sweep-trials.js';

/** Things that no record can speak for, of each sort, that are named. */
const oddNamed = 100;

/** Deployments beside ours that are named. */
const foreignNamed = 20;

export type LookAsked = Standing & {
  /** The machine that the engine is on; absent on any other host. */
  readonly at?: RegionAt;
  /** Begins after this life; at the first one when empty. */
  readonly after: string;
  /** So many lives at most. */
  readonly limit: number;
  /** Of this gateway alone. */
  readonly only?: string;
};

/** The engines of the deployment, and what the last sweep handed on. */
export async function findSwept(deps: Deps): Promise<{ engines: SweptEngine[]; memory?: SweepMemory }> {
  const [engines, memory] = await Promise.all([findEnginesToAsk(deps), deps.records.lastSweep()]);
  const regions = await findRegionsToAsk(deps, Object.keys(memory?.inventory ?? {}));
  return { engines: [...engines, ...regions], ...(memory && { memory }) };
}

/** The engine beside this worker, if it answers, and every other of the deployment. */
export async function findEnginesToAsk(deps: Deps): Promise<SweptEngine[]> {
  const [here, known] = await Promise.all([engineHere(deps), deps.findEngines()]);
  const others = known.filter(({ engine, was = [] }) => engine !== here && !(here !== undefined && was.includes(here)));
  const was = known.find(({ engine }) => engine === here)?.was;
  const own = here === undefined ? [] : [{ engine: here, attended: true, ...(was && { was: [...was] }) }];
  const rest = others.map((each) => {
    const before = each.was ? { was: [...each.was] } : {};
    return { engine: each.engine, attended: each.attended, ...before };
  });
  return [...own, ...rest];
}

/** One that is down is left out where it is looked at, and holds up no other. */
async function engineHere(deps: Deps): Promise<string | undefined> {
  try {
    return (await deps.hosts.readHost({ provider: 'local', host: 'local' })).engineId;
  } catch (error) {
    if (error instanceof NotYet) return undefined;
    throw error;
  }
}

/** What one page of an engine's lives holds that no record owns. Only looks. */
export async function findUnowned(deps: Deps, asked: LookAsked): Promise<SweepPage> {
  const { lives, odd, foreign } = await livesOn(deps, asked);
  const order = [...lives.keys()].toSorted();
  const page = order.filter((life) => life > asked.after).slice(0, asked.limit);
  const isFirst = asked.after === '';
  const strange = isFirst ? [...odd, ...(await unmarkedOn(deps, asked))] : [];
  const isWhole = isFirst && asked.only === undefined;
  const trials = isWhole ? await trialsThatGo(deps, onOf(asked)) : [];
  const images = isWhole ? await imagesThatGo(deps, onOf(asked), order) : [];
  const isLast = order.at(-1) === page.at(-1);
  const owners = await ownersOf(deps, page);
  const things = page.flatMap((life) => lives.get(life) ?? []);
  const found = page.flatMap((life) => {
    const those = lives.get(life) ?? [];
    const serving = servingOf(those);
    return those.map((thing) => told(thing, owners.get(thing.mark.gateway) ?? { is: 'unknown' }, asked, serving));
  });
  const last = page.at(-1);
  return {
    things: things.length + strange.length,
    lives: page.length,
    remove: [...found.flatMap((each) => (each && 'proof' in each ? [each] : [])), ...trials, ...images],
    report: [...found.flatMap((each) => (each && 'reason' in each ? [each] : [])), ...strange],
    foreign: isFirst ? foreign : {},
    ...(!isLast && last !== undefined && { next: last }),
  };
}

function onOf({ engine, at }: LookAsked): Pick<LookAsked, 'engine' | 'at'> {
  return { engine, ...(at && { at }) };
}

/** Everything marked on an engine, by life; what carries our mark in part; and how much is of other deployments. */
async function livesOn(deps: Deps, { engine, only, at }: LookAsked) {
  const { deployment } = deps.about;
  const lives = new Map<string, Thing[]>();
  const odd: Reported[] = [];
  const foreign: Record<string, number> = {};
  for (const { kind, name, labels } of await deps.engineAt(placeOn(engine, at)).listMarked()) {
    const mark = readMark(labels);
    const whose = labels['creel.deployment'] ?? '';
    if (only !== undefined && mark?.gateway !== only) continue;
    if (whose !== deployment) {
      const other = whose in foreign || Object.keys(foreign).length < foreignNamed ? whose : 'others';
      foreign[other] = (foreign[other] ?? 0) + 1;
    } else if (mark) {
      const life = `${mark.gateway}/${mark.birth}`;
      lives.set(life, [...(lives.get(life) ?? []), { kind, name, labels, mark }]);
    } else {
      const reason = 'it carries a part of our mark';
      odd.push({
        engine,
        ...(at && { at }),
        kind,
        name,
        gateway: '',
        birth: '',
        state: kind === 'volume',
        reason,
        lost: true,
      });
    }
  }
  return { lives, odd: odd.slice(0, oddNamed), foreign };
}

/** What is named as creel names things and carries no mark: it is nobody's to judge, and no sweep touches it. */
async function unmarkedOn(deps: Deps, { engine, only, at }: LookAsked): Promise<Reported[]> {
  if (only !== undefined) return [];
  const found = (await deps.engineAt(placeOn(engine, at)).listUnmarked()).slice(0, oddNamed);
  const reason =
    'it is named as creel names things and carries no mark: somebody else made it, or took its labels away';
  const whose = { gateway: '', birth: '', reason, lost: false };
  return found.map(({ kind, name }) => ({ engine, ...(at && { at }), kind, name, state: kind === 'volume', ...whose }));
}

/** Which replacement made the container that bears the gateway's own name. */
function servingOf(things: readonly Thing[]): Serving {
  const own = things.find(({ kind, name, mark }) => kind === 'container' && name === names(mark).container);
  return own ? servingBy(own.labels) : {};
}

/** The same, of that container's labels. */
export function servingBy(labels: Labels): Serving {
  return { replacement: Number(labels[replacementLabel] ?? 0) };
}

function told(thing: Thing, owner: Owner, on: LookAsked, serving: Serving): Gone | Reported | undefined {
  const verdict = judge(thing, owner, on, serving);
  const { kind, name, mark } = thing;
  const { gateway, birth } = mark;
  const { engine, at } = on;
  const named: Named = { engine, ...(at && { at }), kind, name, gateway, birth, state: holdsState(thing) };
  if (verdict.is === 'owned') return undefined;
  if (verdict.is === 'remove') return { ...named, proof: verdict.proof };
  return { ...named, reason: verdict.reason, lost: verdict.lost && isGateway(thing) };
}

/** What no record speaks for is the whole gateway's: odd names are only reported. */
function isGateway(thing: Thing): boolean {
  return roleOf(thing) !== 'unknown';
}
