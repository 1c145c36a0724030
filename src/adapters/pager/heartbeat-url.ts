import type { Secret } from '../../domain/secret.js';
import type { Heartbeat } from '../../ports/heartbeat.js';

/** How long the other side may take to answer. */
const limitMs = 10_000;

/** Calls a URL, as the dead-man's switches of healthchecks.io, Dead Man's Snitch and others want it. */
export class HeartbeatUrl implements Heartbeat {
  readonly #url: Secret;

  constructor(url: Secret) {
    this.#url = url;
  }

  /** Whoever knows the path can call as well, so messages name the host alone. A redirect is no answer. */
  async beat(): Promise<void> {
    const url = new URL(this.#url.reveal());
    const signal = AbortSignal.timeout(limitMs);
    let response: Response;
    try {
      response = await fetch(url, { redirect: 'manual', signal });
    } catch (error) {
      const why = signal.aborted ? `not within ${limitMs} ms` : reason(error);
      throw new Error(`the heartbeat at ${url.host} did not answer (${why})`, { cause: error });
    }
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the heartbeat at ${url.host} answered ${response.status}`);
  }
}

/** The code behind a failed fetch, whose own message says only that it failed. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'the connection failed';
}
