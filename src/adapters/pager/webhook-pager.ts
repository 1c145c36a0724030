import { Webhook } from 'standardwebhooks';
import { Refused } from '../../domain/errors.js';
import type { Secret } from '../../domain/secret.js';
import type { Page, Pager } from '../../ports/pager.js';

/** How long a receiver may take to acknowledge. */
const limitMs = 10_000;

export type PagerTarget = { readonly url: string; readonly secret: Secret };

/**
 * Pages as signed webhooks (Standard Webhooks). The page's id is the webhook's id, so that a receiver recognises a
 * repetition.
 */
export class WebhookPager implements Pager {
  readonly #url: URL;
  readonly #signer: Webhook;

  /** A secret of the wrong form is `Refused`. */
  constructor(target: PagerTarget) {
    this.#url = new URL(target.url);
    this.#signer = signerWith(target.secret);
  }

  /**
   * Only a 2xx within 10 s is an acknowledgement; a redirect is not. Messages name the address by its host alone,
   * because its path may be a secret.
   */
  async page(page: Page): Promise<void> {
    const { id, at, gateway, title, text } = page;
    const body = JSON.stringify({ type: 'creel.page', timestamp: at, data: { gateway, title, text } });
    const now = new Date();
    const response = await this.#post(body, {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': this.#signer.sign(id, now, body),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the pager at ${this.#url.host} answered ${response.status} to page ${id}`);
  }

  async #post(body: string, headers: Record<string, string>): Promise<Response> {
    const signal = AbortSignal.timeout(limitMs);
    try {
      return await fetch(this.#url, { method: 'POST', body, headers, redirect: 'manual', signal });
    } catch (error) {
      const why = signal.aborted ? `not within ${limitMs} ms` : reason(error);
      throw new Error(`the pager at ${this.#url.host} did not answer (${why})`, { cause: error });
    }
  }
}

function signerWith(secret: Secret): Webhook {
  try {
    return new Webhook(secret.reveal());
  } catch {
    throw new Refused(
      'the pager secret is malformed: Standard Webhooks wants "whsec_" and base64. See CREEL_PAGER_SECRET',
    );
  }
}

/** The code of the error behind a failed fetch, whose own message says only that it failed. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'the connection failed';
}
