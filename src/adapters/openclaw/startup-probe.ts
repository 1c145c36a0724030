import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { NotYet } from '../../domain/errors.js';
import { readTransportError } from './transport-error.js';

export type HttpAnswer = { readonly status: number; readonly body: unknown };

const startupBody = z.object({ status: z.string() });
const readyBody = z.object({ ready: z.boolean() });

/** How much of an answer is read at most: one possible answer is the page of the Control UI (T5). */
const bodyLimit = 64 * 1024;

/**
 * Resolves when the gateway has started. The body of `/startupz` decides; a release without it answers 200 with a page,
 * and then `/readyz` decides (T5). `get` asks one path over a connection of its own.
 */
export async function readStartup(get: (path: string) => Promise<HttpAnswer>): Promise<void> {
  const startup = await get('/startupz');
  const said = startupBody.safeParse(startup.body);
  if (said.success) {
    if (said.data.status === 'started') return;
    throw new NotYet(`/startupz ${startup.status} ${said.data.status}`);
  }
  const ready = await get('/readyz');
  if (readyBody.safeParse(ready.body).data?.ready) return;
  throw new NotYet(`/startupz ${startup.status} without a status, /readyz ${ready.status}`);
}

/** Something took the connection, and said nothing in time. */
export class Late extends NotYet {}

/** One GET over a dialled stream, which it uses up. A gateway that does not answer within `limitMs` is `NotYet`. */
export async function getOver(
  stream: Duplex,
  path: string,
  headers: Readonly<Record<string, string>>,
  limitMs: number,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  const late = AbortSignal.timeout(limitMs);
  const over = signal ? AbortSignal.any([late, signal]) : late;
  try {
    return await exchange(stream, path, headers, over);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (late.aborted) throw new Late(`${path} did not answer within ${limitMs} ms`);
    throw error instanceof Error ? readTransportError(error, path) : error;
  } finally {
    stream.destroy();
  }
}

function exchange(
  stream: Duplex,
  path: string,
  more: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { ...more, host: '127.0.0.1', connection: 'close' };
    const asked = request({ createConnection: () => stream, method: 'GET', path, headers, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < bodyLimit) text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: readBody(text) }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // A page instead of JSON is an answer that says nothing about start-up.
  }
}
