import type { RawData, WebSocket } from 'ws';
import { Refused } from '../../domain/errors.js';
import { answerBytes, frameBytes } from '../../domain/thresholds.js';
import { RpcError, type Hello, type Session } from '../../ports/gateway-door.js';
import { firstId, readFrame, requestFrame, type Frame } from './protocol.js';

type Waiting = { readonly resolve: (payload: unknown) => void; readonly reject: (error: unknown) => void };

/** How long a peer may take to close its side before the connection is cut. */
const closeMs = 1_000;

/**
 * A connection that a gateway let in. Calls may overlap. When it ends, for any reason, every call that still waits is
 * rejected with that reason; it ends when `signal` fires.
 */
export class OutsideSession implements Session {
  readonly hello: Hello;
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #limitMs: number;
  readonly #waiting = new Map<string, Waiting>();
  #lastId = Number(firstId);
  /** Bytes received since the last question was asked. */
  #taken = 0;
  #end: unknown;

  constructor(socket: WebSocket, hello: Hello, limitMs: number, signal: AbortSignal | undefined) {
    this.hello = hello;
    this.#socket = socket;
    this.#limitMs = limitMs;
    const abort = () => this.#finish(signal?.reason);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => resolve(code));
    });
    socket.on('message', (data) => this.#take(data));
    socket.on('error', (error) => this.#finish(tooLarge(error) ?? error));
    socket.on('close', (code, reason) => {
      signal?.removeEventListener('abort', abort);
      this.#finish(new Error(`the gateway closed the connection (close ${code} ${reason.toString()})`));
    });
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
  }

  async call(method: string, params: unknown): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const id = String((this.#lastId += 1));
    this.#taken = 0;
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      timer = setTimeout(
        () => reject(new Error(`${method} was not answered within ${this.#limitMs} ms`)),
        this.#limitMs,
      );
      this.#socket.send(requestFrame(id, method, params), (error) => error && reject(error));
    });
    return answered.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(id);
    });
  }

  close(): void {
    this.#finish(new Error('the connection was hung up'));
  }

  #take(data: RawData): void {
    if (this.#end !== undefined) return;
    this.#taken += bytesOf(data);
    if (this.#taken > answerBytes)
      return this.#cut(`the gateway sent more than ${answerBytes} bytes while one question was open`);
    const frame = this.#read(textOf(data));
    if (frame?.kind === 'answer') this.#waiting.get(frame.id)?.resolve(frame.payload);
    if (frame?.kind === 'refusal') {
      const { code, message } = frame.error;
      this.#waiting.get(frame.id)?.reject(new RpcError(code, message));
    }
  }

  #read(text: string): Frame | undefined {
    try {
      return readFrame(text);
    } catch (error) {
      this.#finish(error); // A peer that no longer speaks the protocol cannot be asked anything.
      return undefined;
    }
  }

  /** Stops listening to a gateway that says far too much: the worker serves others, too. */
  #cut(why: string): void {
    this.#finish(new Refused(`${why}. See docs/runbook.md#too-much`));
    this.#socket.terminate();
  }

  /** The first reason stays the reason. */
  #finish(reason: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = reason ?? new Error('the connection was cut');
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#socket.close();
    setTimeout(() => this.#socket.terminate(), closeMs).unref();
  }
}

/** The `Refused` for a frame over the limit; undefined for any other failure of a socket. */
export function tooLarge(error: Error): Refused | undefined {
  if (!('code' in error) || error.code !== 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return undefined;
  return new Refused(
    `the gateway sent a frame of more than ${frameBytes} bytes, which is not taken. See docs/runbook.md#too-much`,
    { cause: error },
  );
}

function bytesOf(data: RawData): number {
  return Array.isArray(data) ? data.reduce((sum, { length }) => sum + length, 0) : data.byteLength;
}

/** The text of a message, in whichever form the library hands it over. */
export function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data).toString('utf8');
}
