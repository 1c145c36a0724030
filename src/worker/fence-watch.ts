import type { Logger } from 'pino';
import type { createActivities } from '../activities/activities.js';
import { fenceWord, whyUnfenced } from '../domain/hosts/fence-trial.js';
import type { Place } from '../domain/hosts/place.js';
import { fenceDailyMs, fenceFirstMs } from '../domain/thresholds.js';

/** An engine that a worker serves, and how it tries its fence. */
export type Fenced = {
  readonly place: Place;
  readonly activities: Pick<ReturnType<typeof createActivities>, 'findFence'>;
  readonly log: Logger;
};

/** Tries the fence around the gateways of an engine, soon after a worker has begun and then daily. */
export class FenceWatch {
  readonly #fenced: Fenced;
  #dueAt: number;
  #trial: Promise<void> = Promise.resolve();

  constructor(fenced: Fenced, firstMs = fenceFirstMs) {
    this.#fenced = fenced;
    this.#dueAt = Date.now() + firstMs;
  }

  /** Begins a trial where one is due; waits for none. */
  see(): void {
    if (Date.now() < this.#dueAt) return;
    this.#dueAt = Date.now() + fenceDailyMs;
    this.#trial = this.#try();
  }

  /** When the trial that is under way has ended, and taken away what it made. */
  async over(): Promise<void> {
    await this.#trial;
  }

  async #try(): Promise<void> {
    const { place, activities, log } = this.#fenced;
    const { engine } = place;
    try {
      const seen = await activities.findFence({ place });
      if (!seen) return void (this.#dueAt = Date.now() + fenceFirstMs);
      const why = whyUnfenced(fenceWord(seen));
      if (why !== undefined)
        log.warn({ engine, host: place.host }, `the gateways of this host are not fenced in: ${why}`);
      else log.info({ engine, host: place.host }, 'the gateways of this host are fenced in');
    } catch (error) {
      this.#dueAt = Date.now() + fenceFirstMs;
      log.debug({ err: error, engine }, 'the fence could not be tried; trying it again');
    }
  }
}
