import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** How long a question for news is kept waiting, as the real one does for up to 50 s. */
const newsMs = 1_000;

const bot = { id: 123_456_789, is_bot: true, first_name: 'Creel', username: 'creel_test_bot' };

/** Telegram's bot API as far as a gateway needs it to call a channel connected, on a port of every address of this machine. */
export class BotApi {
  /** The tokens that were used, newest last. */
  readonly tokens: string[] = [];
  readonly #server = http.createServer((request, response) => {
    const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? '') ?? [];
    this.tokens.push(token);
    const answer = () => response.end(JSON.stringify({ ok: true, result: resultOf(method) }));
    request.resume().once('end', () => {
      response.setHeader('content-type', 'application/json');
      if (method === 'getUpdates') setTimeout(answer, newsMs).unref();
      else answer();
    });
  });

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '0.0.0.0', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function resultOf(method: string): unknown {
  if (method === 'getMe') return bot;
  if (method === 'getUpdates' || method === 'getMyCommands') return [];
  return method === 'getWebhookInfo' ? { url: '', pending_update_count: 0 } : true;
}
