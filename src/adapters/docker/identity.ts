import { stat } from 'node:fs/promises';
import { demandEngine, engineId, type FormerIds } from '../../domain/hosts/engine-id.js';
import type { Place } from '../../domain/hosts/place.js';
import { engineIdFreshMs } from '../../domain/thresholds.js';
import { request, whereIs, type EngineAt, type Identity } from './call.js';
import { unexpected } from './errors.js';

/** `GET /info` on a busy engine. */
const infoMs = 25_000;

type Known = { readonly id: string; readonly at: number; readonly socket: string };

/**
 * Which engine answers at a socket. A reading is believed for a moment and for the same socket file, and no longer than
 * the connection lasts: no engine takes another's place without closing the other's connections, and none starts within
 * that moment.
 */
export class EngineIdentity {
  readonly #at: EngineAt;
  readonly #formerIds: FormerIds;
  #known: Known | undefined;
  #reading: Promise<Known> | undefined;

  constructor(at: Pick<EngineAt, 'socketPath' | 'way' | 'signal'>, formerIds: FormerIds = () => []) {
    this.#at = at;
    this.#formerIds = formerIds;
  }

  /** Demands the engine that a place names. */
  of(place: Place): Identity {
    return {
      demand: async () => {
        if (place.engine !== undefined) demandEngine(place, await this.id(), whereIs(this.#at), this.#formerIds);
      },
      lost: () => this.lost(),
    };
  }

  /** The id of the engine that answers now. One that does not answer is `NotYet`, one without an id `Refused`. */
  async id(): Promise<string> {
    const known = this.#known;
    if (known && Date.now() - known.at < engineIdFreshMs && known.socket === (await this.#socket())) return known.id;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return (await this.#reading).id;
  }

  /** Forgets every earlier reading. */
  lost(): void {
    this.#known = undefined;
  }

  async #read(): Promise<Known> {
    const what = 'ask which engine it is';
    const socket = await this.#socket();
    const at = Date.now();
    try {
      const shared = { ...this.#at, signal: () => undefined }; // Shared by several callers: none may end it for all.
      const info = await request<{ ID?: unknown }>(shared, { what, limitMs: infoMs }, (docker) => docker.info());
      this.#known = { id: engineId(info.ID, whereIs(this.#at)), at, socket };
      return this.#known;
    } catch (error) {
      throw unexpected(error, what);
    }
  }

  /** Another file, socket of the same name, or connection counts as another engine until it has been asked. */
  async #socket(): Promise<string> {
    if (this.#at.way) return this.#at.way.lineage();
    try {
      const { dev, ino, ctimeMs } = await stat(this.#at.socketPath);
      return `${dev}:${ino}:${ctimeMs}`;
    } catch {
      return 'none'; // The next request to the engine says why.
    }
  }
}
