import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { forms, lastWords, question, type Form, type Trouble } from './forms.js';

/**
 * How a provider does: it answers; the account has no credit, in two forms of saying so; it is down; it says nothing; its
 * answer, where it is sent as it comes, has no end.
 */
export type Mood = 'answers' | 'no credit' | 'payment required' | 'down' | 'silent' | 'endless';

/** One question that was answered, or not: of which model, with which key, and the last words of the person in it. */
export type Asked = { readonly model: string; readonly key: string; readonly said: string };

const troubles = {
  'wrong key': trouble(401, 'invalid_request_error', 'invalid_api_key', 'authentication_error', 'Incorrect API key.'),
  'unknown model': trouble(
    404,
    'invalid_request_error',
    'model_not_found',
    'not_found_error',
    'The model does not exist.',
  ),
  'no credit': trouble(
    429,
    'insufficient_quota',
    'insufficient_quota',
    'rate_limit_error',
    'You exceeded your current quota, please check your plan and billing details.',
  ),
  'payment required': trouble(402, 'billing_error', null, 'billing_error', 'Your credit balance is too low.'),
  down: trouble(503, 'server_error', null, 'overloaded_error', 'The server is overloaded.'),
} as const;

/** How much of what was said an answer repeats. */
const repeated = 120;

/**
 * A model's provider that stands in for a real one: it speaks as OpenAI and Anthropic do, wholly or as it comes, checks
 * the key, and answers every message with a sentence that says what was said. Listens on every address of this machine,
 * where it is not told one, because a gateway asks from within its container.
 */
export class ModelProvider {
  /** The key that is let in. */
  key: string;
  /** Another one that is let in as well, as long as not everybody has the new one. */
  previousKey: string | undefined;
  /** The models it has. */
  readonly models: readonly string[];
  mood: Mood = 'answers';
  /** An answer that is sent as it comes, to a question with these words in it, stops in its middle until then. */
  halfway: { readonly words: string; readonly until: Promise<void> } | undefined;
  /** Whatever was asked, oldest first. */
  readonly asked: Asked[] = [];
  readonly #server = http.createServer((request, response) => void this.#serve(request, response));

  constructor(key: string, models: readonly string[] = ['echo-1']) {
    this.key = key;
    this.models = models;
  }

  /** Listens on this port, or on any that is free, at one address of this machine or at all of them; answers which port. */
  async open(port = 0, host = '0.0.0.0'): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = forms[new URL(request.url ?? '/', 'http://here').pathname];
    const read = question.safeParse(parsed(Buffer.concat(chunks).toString('utf8')));
    if (!form || !read.success) return void response.writeHead(404).end();
    const { model, stream } = read.data;
    const said = lastWords(read.data);
    const key = keyOf(request);
    this.asked.push({ model, key, said });
    if (this.mood === 'silent') return;
    const found = this.#trouble(key, model);
    const text = `"${said.trim().slice(-repeated)}" is what you said.`;
    if (found) return send(response, found.status, form.trouble(found));
    if (!stream) return send(response, 200, form.whole(model, text));
    if (this.mood === 'endless') return sendEndless(response, form.parts(model, text));
    const { words, until } = this.halfway ?? {};
    await sendParts(
      response,
      form,
      form.parts(model, text),
      words !== undefined && said.includes(words) ? until : undefined,
    );
  }

  #trouble(key: string, model: string): Trouble | undefined {
    if (this.mood === 'down') return troubles.down;
    if (key !== this.key && key !== this.previousKey) return troubles['wrong key'];
    if (!this.models.includes(model)) return troubles['unknown model'];
    return this.mood === 'no credit' || this.mood === 'payment required' ? troubles[this.mood] : undefined;
  }
}

function send(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function sendParts(
  response: http.ServerResponse,
  form: Form,
  parts: ReturnType<Form['parts']>,
  halfway: Promise<void> | undefined,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for (const [index, { event, data }] of parts.entries()) {
    if (index === Math.floor(parts.length / 2)) await halfway;
    if (event !== undefined) response.write(`event: ${event}\n`);
    response.write(`data: ${JSON.stringify(data)}\n\n`);
  }
  response.end(form.end);
}

/** The middle of an answer, again and again, as fast as somebody takes it. */
async function sendEndless(response: http.ServerResponse, parts: ReturnType<Form['parts']>): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const written = parts.map(
    ({ event, data }) => `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`,
  );
  const middle = Math.floor(parts.length / 2);
  response.write(written.slice(0, middle).join(''));
  while (!response.destroyed) {
    const isTaken = response.write(written[middle]);
    await (isTaken ? setImmediate() : Promise.race([once(response, 'drain'), once(response, 'close')]));
  }
}

function keyOf({ headers }: http.IncomingMessage): string {
  const own = headers['x-api-key'];
  return typeof own === 'string' ? own : (headers.authorization ?? '').replace(/^Bearer /, '');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function trouble(status: number, type: string, code: string | null, anthropic: string, message: string): Trouble {
  return { status, openai: { type, code }, anthropic, message };
}
