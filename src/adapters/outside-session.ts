import type { RawData, WebSocket } from 'ws';
import { RpcError, type Hello, type Session } from '../ports/gateway-door.js';
import { firstId, readFrame, requestFrame, type Frame } from './gateway-protocol.js';

type Waiting = { readonly resolve: (payload: unknown) => void; readonly reject: (error: unknown) => void };

/** How long a peer may take to close its side before the connection is cut. */
const closeMs = 1_000;

/**
 * A connection that a gateway let in. Calls may overlap. When it ends, for whatever reason, every call that waits is rejected
 * with that reason; when `signal` fires, it ends.
 */
export class OutsideSession implements Session {
  readonly hello: Hello;
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #limitMs: number;
  readonly #waiting = new Map<string, Waiting>();
  #lastId = Number(firstId);
  #end: unknown;

  constructor(socket: WebSocket, hello: Hello, limitMs: number, signal: AbortSignal | undefined) {
    this.hello = hello;
    this.#socket = socket;
    this.#limitMs = limitMs;
    const abort = () => this.#finish(signal?.reason);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => resolve(code));
    });
    socket.on('message', (data) => this.#take(textOf(data)));
    socket.on('error', (error) => this.#finish(error));
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

  #take(text: string): void {
    const frame = this.#read(text);
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
      this.#finish(error); // A peer that does not speak the protocol any more cannot be asked anything.
      return undefined;
    }
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

/** The text of a message, however the library handed it over. */
export function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data).toString('utf8');
}
