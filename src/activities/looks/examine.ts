import { demandFit, describeEngine } from '../../domain/hosts/engine.js';
import type { Place } from '../../domain/hosts/place.js';
import { releasesLookedAt } from '../../domain/thresholds.js';
import type { EngineAnswer, WorkerFacts } from '../../wire/examination.js';
import type { Deps } from '../../world/deps.js';
import { catalogueOf } from '../parts/catalogue.js';

/**
 * What this worker has and how its engine answers. An engine that does not answer, or cannot carry a gateway, is a part
 * of the answer and no failure.
 */
export async function findWorkerFacts(deps: Deps, { place }: { place: Place }): Promise<WorkerFacts> {
  const temporalMs = await deps.temporalNow();
  const clockMs = Date.now();
  return {
    ...deps.about,
    backup: deps.readBackup() ?? 'never',
    keyIds: deps.keys.all().map(({ id }) => id),
    clockMs,
    temporalMs,
    engine: await engineAnswer(deps, place),
  };
}

async function engineAnswer(deps: Deps, place: Place): Promise<EngineAnswer> {
  try {
    const { engine, unseenDirectories, freeDiskBytes } = await deps.hosts.readHost(place);
    demandFit(engine, `host ${place.host}`);
    const images = deps.engineAt(place);
    const releases = await Promise.all(
      (await catalogueOf(deps)).slice(0, releasesLookedAt).map(async ({ version, image, dev }) => ({
        version,
        dev,
        here: (await images.findImage(image)) !== undefined,
      })),
    );
    const says = describeEngine(engine, unseenDirectories);
    return { says, releases, ...(freeDiskBytes !== undefined && { freeDiskBytes }) };
  } catch (error) {
    if (deps.signal()?.aborted || !(error instanceof Error)) throw error;
    return { fails: error.message };
  }
}
