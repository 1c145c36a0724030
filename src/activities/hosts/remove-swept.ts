import { carries, layout, names, type Labels, type Mark } from '../../domain/gateway/gateway.js';
import { placeOn } from '../../domain/hosts/region.js';
import { judge, type Standing, type Verdict } from '../../domain/sweep/judge.js';
import { roleOf, type Thing } from '../../domain/sweep/thing.js';
import { stopGraceS } from '../../domain/thresholds.js';
import type { Named } from '../../wire/sweep.js';
import type { Deps } from '../../world/deps.js';
import { stopSaying } from '../parts/container/stop.js';
import { sweepHeld } from './remove-held.js';
import { sweepImage } from './sweep-images.js';
import { isTrial, sweepTrial } from './sweep-trials.js';
import { servingBy } from './sweep.js';
import { unlessUsed } from './unless-used.js';

export type SweepAsked = Named & Pick<Standing, 'was'>;

type OnEngine = SweepAsked & Pick<Thing, 'kind'>;

/**
 * Removes one thing that nobody owns. Its mark and its record are read again right before, and it goes by the engine's
 * own id, where there is one: what has been made anew under its name since is another thing. Answers why it stays;
 * nothing when it is gone.
 */
export async function ensureSwept(deps: Deps, asked: SweepAsked): Promise<string | undefined> {
  const { kind } = asked;
  if (isTrial(asked)) return sweepTrial(deps, asked);
  if (kind === 'container') return sweepContainer(deps, { ...asked, kind });
  if (kind === 'network') return sweepNetworks(deps, { ...asked, kind });
  if (kind === 'volume') return sweepVolume(deps, { ...asked, kind });
  if (kind === 'image') return sweepImage(deps, asked);
  return kind === 'key' ? 'no record speaks for a key' : sweepHeld(deps, { ...asked, kind });
}

/** Stops a container that no record speaks for; it stays, and does not come back by itself. Answers why it runs on. */
export async function ensureStopped(deps: Deps, asked: SweepAsked): Promise<string | undefined> {
  const { kind } = asked;
  if (kind !== 'container') return 'only a container can be stopped';
  const engine = deps.engineAt(placeOn(asked.engine, asked.at));
  const found = await engine.findContainer(asked.name);
  if (!found) return undefined;
  const verdict = await judgedAgain(deps, { ...asked, kind }, found.labels);
  if (verdict.is !== 'report' || !verdict.lost) return 'a record speaks for it now';
  if (!['running', 'restarting', 'paused'].includes(found.state)) return undefined;
  deps.signal()?.throwIfAborted();
  await engine.setRestartPolicy(found.id, 'no');
  await stopSaying(engine, found, stopGraceS);
  return undefined;
}

async function sweepContainer(deps: Deps, asked: OnEngine): Promise<string | undefined> {
  const engine = deps.engineAt(placeOn(asked.engine, asked.at));
  const found = await engine.findContainer(asked.name);
  if (!found) return undefined;
  const isCopying = roleOf({ ...asked, mark: markOf(deps, asked) }) === 'copier' && found.state === 'running';
  if (isCopying) return 'it is at a copy';
  const why = await whyStays(deps, asked, found.labels);
  if (why !== undefined) return why;
  deps.signal()?.throwIfAborted();
  if (found.restartPolicy !== 'no') await engine.setRestartPolicy(found.id, 'no');
  await stopSaying(engine, found, stopGraceS);
  return unlessUsed(() => engine.removeContainer(found.id));
}

async function sweepNetworks(deps: Deps, asked: OnEngine): Promise<string | undefined> {
  const engine = deps.engineAt(placeOn(asked.engine, asked.at));
  for (const found of await engine.findNetworks(asked.name)) {
    const why = await whyStays(deps, asked, found.labels);
    if (why !== undefined) return why;
    deps.signal()?.throwIfAborted();
    const used = await unlessUsed(() => engine.removeNetwork(found.id));
    if (used !== undefined) return used;
  }
  return undefined;
}

/** A volume has no id of its own, and one that any container names is not removed by the engine. */
async function sweepVolume(deps: Deps, asked: OnEngine): Promise<string | undefined> {
  const engine = deps.engineAt(placeOn(asked.engine, asked.at));
  const found = await engine.findVolume(asked.name);
  if (!found) return undefined;
  const why = await whyStays(deps, asked, found.labels);
  if (why !== undefined) return why;
  deps.signal()?.throwIfAborted();
  return unlessUsed(() => engine.removeVolume(asked.name));
}

async function whyStays(deps: Deps, asked: OnEngine, labels: Labels): Promise<string | undefined> {
  if (!carries(labels, markOf(deps, asked))) return 'it does not carry the mark any more that it was seen with';
  const verdict = await judgedAgain(deps, asked, labels);
  if (verdict.is === 'remove') return undefined;
  return verdict.is === 'owned' ? 'its gateway owns it now' : verdict.reason;
}

async function judgedAgain(deps: Deps, asked: OnEngine, labels: Labels): Promise<Verdict> {
  const mark = markOf(deps, asked);
  if (!carries(labels, mark)) return { is: 'owned' };
  const { kind, name, gateway, engine, at, was } = asked;
  const own = await deps.engineAt(placeOn(engine, at)).findContainer(names(mark).container);
  const serving = own && carries(own.labels, mark) ? servingBy(own.labels) : {};
  const on = { engine, ...(was && { was }) };
  return judge({ kind, name, labels, mark }, await deps.records.owner(gateway), on, serving);
}

function markOf(deps: Deps, { gateway, birth }: Named): Mark {
  return { deployment: deps.about.deployment, gateway, birth, layout };
}
