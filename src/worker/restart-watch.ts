import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { proveRestarted } from '../client/net/restarted.js';
import type { RegionAt } from '../domain/hosts/region.js';
import type { HostFacts } from '../ports/host-provider.js';
import { defaultLimits } from '../wire/limits.js';

/** An engine that a worker serves. */
export type Watched = {
  readonly client: Client;
  readonly engine: string;
  readonly was: readonly string[];
  readonly host: string;
  /** The machine of a gateway's own that the engine is on; absent on any other host. */
  readonly at?: RegionAt;
  readonly log: Logger;
};

/** Whether an engine has begun anew since it was last seen, and with it what runs there. */
export class RestartWatch {
  readonly #watched: Watched;
  /** The start of the engine that the deployment has heard of. */
  #told: string | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Has what ran on an engine proved again, once for each of its starts; tried again with the next look where Temporal is away. */
  async see({ upSince }: HostFacts): Promise<void> {
    const { client, engine, was, host, at, log } = this.#watched;
    if (upSince === undefined || upSince === this.#told) return;
    try {
      await proveRestarted(client, { layout: 1, engine, ...(at && { at }), was, host, upSince, limits: defaultLimits });
      this.#told = upSince;
    } catch (error) {
      log.warn({ err: error, engine }, 'nobody has heard yet that this engine was started; telling it again');
    }
  }
}
