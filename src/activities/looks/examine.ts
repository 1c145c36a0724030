import { demandFit, describeEngine } from '../../domain/hosts/engine.js';
import type { FenceSeen } from '../../domain/hosts/fence-trial.js';
import type { Place } from '../../domain/hosts/place.js';
import { servedChannels } from '../../domain/release/image.js';
import { names } from '../../domain/gateway/gateway.js';
import { releasesLookedAt, statesAtOnce, statesMeasured } from '../../domain/thresholds.js';
import type { EngineAnswer, ExamineInput, LimitedState, MeasuredState, WorkerFacts } from '../../wire/examination.js';
import type { Deps } from '../../world/deps.js';
import { fenceOf } from '../parts/host/fence.js';
import { catalogueOf } from '../parts/catalogue.js';
import { runningStateUse } from '../parts/state-use.js';

/**
 * What this worker has and how its engine answers. An engine that does not answer, or cannot carry a gateway, is a part
 * of the answer and no failure.
 */
export async function findWorkerFacts(
  deps: Deps,
  { place, states, fence }: { readonly place: Place } & Pick<ExamineInput, 'states' | 'fence'>,
): Promise<WorkerFacts> {
  const temporalMs = await deps.temporalNow();
  const clockMs = Date.now();
  return {
    ...deps.about,
    backup: deps.readBackup() ?? 'never',
    keyIds: deps.keys.all().map(({ id }) => id),
    clockMs,
    temporalMs,
    engine: await engineAnswer(deps, place, fence ?? true),
    ...(states && { states: await measured(deps, place, states) }),
  };
}

/** What the states of these gateways take, some at a time. One that cannot be counted is no failure. */
async function measured(deps: Deps, place: Place, states: readonly LimitedState[]): Promise<MeasuredState[]> {
  const engine = deps.engineAt(place);
  const waiting = states.slice(0, statesMeasured);
  const found: MeasuredState[] = [];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { gateway } = next;
      const bytes = await runningStateUse(deps, engine, names(next).container);
      found.push({ gateway, ...(bytes !== undefined && { bytes }) });
    }
  };
  await Promise.all(Array.from({ length: statesAtOnce }, lane));
  return found;
}

async function fenceOrWhy(deps: Deps, place: Place): Promise<FenceSeen | { readonly fails: string } | undefined> {
  try {
    return await fenceOf(deps, place);
  } catch (error) {
    if (deps.signal()?.aborted || !(error instanceof Error)) throw error;
    return { fails: error.message };
  }
}

async function engineAnswer(deps: Deps, place: Place, looksAtFence: boolean): Promise<EngineAnswer> {
  try {
    const { engine, unseenDirectories, freeDiskBytes } = await deps.hosts.readHost(place);
    demandFit(engine, `host ${place.host}`);
    const images = deps.engineAt(place);
    const releases = await Promise.all(
      (await catalogueOf(deps)).slice(0, releasesLookedAt).map(async ({ version, image, dev }) => {
        const found = await images.findImage(image);
        return { version, dev, here: found !== undefined, ...(found && { channels: servedChannels(found) }) };
      }),
    );
    const says = describeEngine(engine, unseenDirectories);
    const fence = looksAtFence ? await fenceOrWhy(deps, place) : undefined;
    return { says, releases, ...(fence && { fence }), ...(freeDiskBytes !== undefined && { freeDiskBytes }) };
  } catch (error) {
    if (deps.signal()?.aborted || !(error instanceof Error)) throw error;
    return { fails: error.message };
  }
}
