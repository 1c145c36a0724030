import { setTimeout as after } from 'node:timers/promises';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { demandEpoch, TakenOver } from '../activities/parts/host/epoch.js';
import { Away } from '../domain/errors.js';
import { isMachine, type Place } from '../domain/hosts/place.js';
import { placeOn, type RegionAt } from '../domain/hosts/region.js';
import { registry } from '../workflows/operations.js';
import type { World } from '../world/world.js';

/**
 * Refuses whatever is told of an engine, undos and sweeps too, that another namespace has taken over: two masters must
 * not command one gateway.
 */
export function epochGuard(world: Pick<World, 'engineAt' | 'epoch' | 'about'>): ActivityInterceptorsFactory {
  return ({ info: { activityType } }) => ({
    inbound: {
      execute: async (input, next) => {
        const place = placeIn(input.args[0]);
        if (place && (ofMachine.has(activityType) || repairsMachine(activityType, place)))
          await demandIfHeard(world, place);
        else if (place)
          await demandEpoch(world, place).catch((error: unknown) => {
            if (!(error instanceof Away && tellsOfAway.has(activityType))) throw error;
          });
        return next(input);
      },
    },
  });
}

/** What changes nothing, and tells by itself that an engine is away: the reader of a log waits for it. */
const tellsOfAway = new Set(['findLogLines']);

/** What the steps of a gateway's own machine are done and undone by: its engine may not answer, yet or any more. */
const ofMachine: ReadonlySet<string> = new Set(
  Object.values(registry).flatMap((step) => (step.ofMachine ? [step.do, step.undo ?? step.do] : [])),
);

/** What a repair of a gateway on its own machine is asked by: the machine may stand still, which is why it is asked. */
function repairsMachine(activityType: string, place: Place): boolean {
  return activityType === 'requestRepair' && isMachine(place);
}

/** How long an engine that may be no more is asked. */
const heardMs = 5_000;

/** Only an engine that says so has been taken over. */
async function demandIfHeard(world: Parameters<typeof demandEpoch>[0], place: Place): Promise<void> {
  const over = new AbortController();
  const heard = demandEpoch(world, place).catch((error: unknown) => {
    if (error instanceof TakenOver) throw error;
  });
  try {
    await Promise.race([heard, after(heardMs, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
    heard.catch(() => undefined); // Nobody waits for it any more.
  }
}

/** The place that an activity is told of, whose engine is on record; undefined where it is told of none. */
function placeIn(told: unknown): Place | undefined {
  const { place, engine, gateway, at } = Object(told) as {
    readonly place?: Place;
    readonly at?: RegionAt;
    readonly engine?: unknown;
    readonly gateway?: unknown;
  };
  if (place?.engine !== undefined) return place;
  if (typeof engine === 'string' && at && at.host === undefined) return undefined; // A region: it has no engine.
  if (typeof engine === 'string') return placeOn(engine, at);
  return typeof gateway === 'object' ? placeIn(gateway) : undefined;
}
