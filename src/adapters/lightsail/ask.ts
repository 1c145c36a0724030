import type { LightsailClient } from '@aws-sdk/client-lightsail';
import { isFull, isMissing, isNameTaken, kindOf } from './errors.js';

/** The SDK, loaded only where there are machines of Lightsail. */
export type Sdk = typeof import('@aws-sdk/client-lightsail');

/** A request to one region. */
export type Request<T> = (
  client: LightsailClient,
  sdk: Sdk,
  options: { readonly abortSignal: AbortSignal },
) => Promise<T>;

/** How long one answer may take: Lightsail answers in a second, and a call that changes something has 30 s. */
const limitMs = 20_000;

/**
 * Asks Lightsail, each question once: the SDK would repeat a creation whose answer was lost by itself, and a retry
 * belongs to who asked. Credentials and address are what the SDK finds in the environment.
 */
export class Lightsail {
  readonly #signal: () => AbortSignal | undefined;
  readonly #endpoint: string | undefined;
  readonly #clients = new Map<string, LightsailClient>();

  constructor(signal: () => AbortSignal | undefined, endpoint: string | undefined) {
    this.#signal = signal;
    this.#endpoint = endpoint;
  }

  /** Every error has its kind. */
  async ask<T>(region: string, call: string, about: string, request: Request<T>): Promise<T> {
    return this.#send(region, call, about, request, () => undefined) as Promise<T>;
  }

  /** Undefined for what does not exist. */
  async find<T>(region: string, call: string, about: string, request: Request<T>): Promise<T | undefined> {
    return this.#send(region, call, about, request, (error) => (isMissing(error) ? { is: undefined } : undefined));
  }

  /** For what makes something under a name. `full`: not there, and perhaps in another zone. */
  async make(
    region: string,
    call: string,
    about: string,
    request: Request<unknown>,
  ): Promise<'made' | 'name taken' | 'missing' | 'full'> {
    const done: Request<'made' | 'name taken' | 'missing' | 'full'> = async (...args) => {
      await request(...args);
      return 'made';
    };
    const judged = await this.#send(region, call, about, done, (error) => {
      if (isNameTaken(error)) return { is: 'name taken' as const };
      if (isFull(error)) return { is: 'full' as const };
      return isMissing(error) ? { is: 'missing' as const } : undefined;
    });
    return judged ?? 'made';
  }

  /** Every entry of a list that comes in pages. */
  async list<T, P extends { readonly nextPageToken?: string | undefined }>(
    region: string,
    call: string,
    page: (token: { pageToken?: string }, ...args: Parameters<Request<P>>) => Promise<P>,
    entries: (page: P) => readonly T[] | undefined,
  ): Promise<T[]> {
    const all: T[] = [];
    let token: string | undefined;
    do {
      const from = token === undefined ? {} : { pageToken: token };
      const each = await this.ask(region, call, 'everything', (...args) => page(from, ...args));
      all.push(...(entries(each) ?? []));
      token = each.nextPageToken;
    } while (token !== undefined && token !== '');
    return all;
  }

  /** Lets go of the connections. */
  close(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  async #send<T>(
    region: string,
    call: string,
    about: string,
    request: Request<T>,
    expected: (error: unknown) => { readonly is: T | undefined } | undefined,
  ): Promise<T | undefined> {
    const sdk = await import('@aws-sdk/client-lightsail');
    const surrounding = this.#signal();
    surrounding?.throwIfAborted();
    const limit = AbortSignal.timeout(limitMs);
    const abortSignal = surrounding ? AbortSignal.any([surrounding, limit]) : limit;
    try {
      return await request(this.#clientOf(region, sdk), sdk, { abortSignal });
    } catch (error) {
      const known = expected(error);
      if (known) return known.is;
      throw kindOf(error, { call, region, about }, surrounding?.aborted ? surrounding.reason : undefined);
    }
  }

  #clientOf(region: string, { LightsailClient }: Sdk): LightsailClient {
    const known = this.#clients.get(region);
    if (known) return known;
    const at = this.#endpoint === undefined ? {} : { endpoint: this.#endpoint };
    const client = new LightsailClient({
      region,
      ...at,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: limitMs },
    });
    this.#clients.set(region, client);
    return client;
  }
}
