import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { Secret } from '../../../src/domain/secret.js';
import { masterKey } from '../../../src/domain/keys/token.js';
import { openSecrets } from '../../../src/open-world.js';
import { testKey, type RealGround } from '../../ground/real-ground.js';

/** How long a question for news is kept waiting, as the real one does for up to 50 s. */
const newsMs = 1_000;

const bot = { id: 123_456_789, is_bot: true, first_name: 'Creel', username: 'creel_test_bot' };

/** What Telegram says to the older of two that poll with one token. */
const conflict = {
  ok: false,
  error_code: 409,
  description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
};

const toChat = z
  .looseObject({ chat_id: z.union([z.string(), z.number()]).optional(), text: z.string().optional() })
  .catch({});

/** Telegram's bot API as far as a gateway needs it to be connected, to hear people and to answer them, on a port of every address of this machine. */
export class BotApi {
  /** The tokens that were used, newest last. */
  readonly tokens: string[] = [];
  /** Who was written to, or shown that an answer is being written, by chat id. */
  readonly addressed: string[] = [];
  /** What was written to whom, also in the place of what was written before. */
  readonly written: { readonly chat: string; readonly text: string }[] = [];
  /** Messages that a gateway has fetched, by sender. */
  readonly fetched: number[] = [];
  /** Whether somebody else polls with the same token. */
  isPolledByAnother = false;
  readonly #news: { readonly from: number; readonly update: unknown }[] = [];
  /** A gateway passes over what is older than what it has heard, of an earlier one of these as well. */
  #last = Math.floor(Date.now() / 1_000);
  readonly #server = http.createServer((request, response) => {
    const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? '') ?? [];
    this.tokens.push(token);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      this.#note(method, Buffer.concat(chunks).toString('utf8'));
      response.setHeader('content-type', 'application/json');
      const answer = () => response.end(JSON.stringify({ ok: true, result: this.#result(method) }));
      const isPoll = method === 'getUpdates';
      if (isPoll && this.isPolledByAnother) response.writeHead(409).end(JSON.stringify(conflict));
      else if (isPoll && this.#news.length === 0) setTimeout(answer, newsMs).unref();
      else answer();
    });
  });

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '0.0.0.0', resolve));
    return this;
  }

  /** A gateway takes this for Telegram from now on, by a setting of its owner's, which creel leaves alone. */
  async answer(ground: RealGround, { mark }: Gateway): Promise<void> {
    const [network] = await ground.engine.findNetworks(names(mark).network);
    const root = this.rootFrom(network?.subnets[0]);
    const { id } = (await ground.engine.findContainer(names(mark).container)) ?? { id: 'gone' };
    const command = ['openclaw', 'config', 'set', 'channels.telegram.apiRoot', root];
    const { exitCode, stderr } = await ground.engine.exec(id, { command, input: '', timeoutMs: 60_000 });
    if (exitCode !== 0) throw new Error(`the gateway does not take ${root} for Telegram: ${stderr}`);
  }

  /** Where a gateway on a network of its own finds it. */
  rootFrom(subnet: string | undefined): string {
    const host = subnet?.replace(/\d+\/\d+$/, (last) => String(Number.parseInt(last, 10) + 1));
    return `http://${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Somebody writes to the bot. */
  write(from: number, text: string): void {
    const update_id = (this.#last += 1);
    const who = { id: from, first_name: 'C', username: `user${from}` };
    const message = {
      message_id: update_id,
      date: Math.floor(Date.now() / 1000),
      text,
      from: { ...who, is_bot: false },
    };
    this.#news.push({ from, update: { update_id, message: { ...message, chat: { ...who, type: 'private' } } } });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #note(method: string, body: string): void {
    if (!method.startsWith('send') && method !== 'editMessageText') return;
    const { chat_id: chat, text } = toChat.parse(parse(body));
    if (chat === undefined) return;
    this.addressed.push(String(chat));
    if (text !== undefined) this.written.push({ chat: String(chat), text });
  }

  #result(method: string): unknown {
    if (method === 'getUpdates') {
      const news = this.#news.splice(0);
      this.fetched.push(...news.map(({ from }) => from));
      return news.map(({ update }) => update);
    }
    if (method === 'getMe') return bot;
    if (method === 'getMyCommands') return [];
    if (method === 'sendMessage')
      return { message_id: (this.#last += 1), date: Math.floor(Date.now() / 1000), chat: { id: 1, type: 'private' } };
    return method === 'getWebhookInfo' ? { url: '', pending_update_count: 0 } : true;
  }
}

/** The token of a bot is in the store of the deployment. */
export async function storeBot(ground: RealGround, name: string, token: string): Promise<void> {
  const files = { secretsFile: path.join(ground.root, 'secrets') };
  await openSecrets(files, () => [masterKey(testKey)], ground.deployment).write(name, new Secret(token));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return Object.fromEntries(new URLSearchParams(text));
  }
}
