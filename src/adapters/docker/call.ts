import { setMaxListeners } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { Bug } from '../../domain/errors.js';
import { answerOf, kindOf } from './errors.js';

/** How an engine is reached. */
export type EngineAt = {
  /** Path of the engine's Unix socket, on the machine where the engine runs. */
  readonly socketPath: string;
  /** The way to that machine; absent where it is this one. */
  readonly way?: Way;
  /** The cancellation of the current activity, checked right before every request. */
  readonly signal: () => AbortSignal | undefined;
  /** Which engine this must be; absent for the question which one it is. */
  readonly identity?: Identity;
  /** With what an image of this reference is pulled; nobody is asked, and nothing is sent along, where it is absent. */
  readonly login?: (reference: string) => Promise<PullLogin | undefined>;
  /**
   * A way by which it pulls an image whose registry it does not reach, open until it is closed; absent where it asks
   * registries itself.
   */
  readonly relay?: (reference: string) => Promise<Relayed | undefined>;
};

/** The same image under a name by which the engine gets it, from whoever relays it. */
export type Relayed = { readonly reference: string; readonly close: () => void };

/** What a registry lets somebody in with. */
export type RegistryLogin =
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string };

/** The same, with the registry that it is for. */
export type PullLogin = RegistryLogin & { readonly serveraddress: string };

/** A way to an engine on another machine. */
export type Way = {
  /** The machine, for people: `host b1 (creel@10.0.0.5:22)`. */
  readonly to: string;
  /** A stream to a Unix socket there. It may still be on its way; what ends it early has its kind, or a code. */
  readonly toSocket: (socketPath: string) => Duplex;
  /** Another one with each connection: the machine behind the former may be another one. */
  readonly lineage: () => string;
};

/** Where an engine is, for people. */
export function whereIs({ socketPath, way }: Pick<EngineAt, 'socketPath' | 'way'>): string {
  return way ? `${socketPath} on ${way.to}` : socketPath;
}

/** Knows which engine is meant: asked right before every request, and told of every lost connection. */
export type Identity = { readonly demand: () => Promise<void>; readonly lost: () => void };

/** One request to the engine: in words, for messages, and how long it may take. */
export type Errand = { readonly what: string; readonly limitMs: number };

/** A connection that closes gets this long to hand over an answer that has already arrived. */
const handOverMs = 250;

/**
 * Makes one request to the engine, on a connection of its own. Ends with the answer, when the time is up, when the
 * surrounding signal fires (its reason is thrown), or when the engine hangs up, even within an answer, where
 * docker-modem alone waits for ever. An error from the engine is thrown as it is, for the caller to judge; an error on
 * the way to the engine has its kind.
 */
export async function request<T>(at: EngineAt, errand: Errand, run: (docker: Docker) => Promise<T>): Promise<T> {
  await at.identity?.demand();
  at.signal()?.throwIfAborted();
  const line = new Line(at.way);
  const limits = new Limits(at, errand);
  line.onHungUp = () => limits.fail(hungUp(at, errand));
  try {
    return await Promise.race([run(open(at.socketPath, line)), limits.failure]);
  } catch (error) {
    line.cut();
    if (answerOf(error) === undefined) at.identity?.lost();
    throw kindOf(error, errand.what, whereIs(at));
  } finally {
    line.onHungUp = undefined;
    limits.lift();
  }
}

/** Reads a stream opened by a request to its end, under the same limits; the stream is destroyed in any case. */
export async function readAll(
  at: EngineAt,
  errand: Errand,
  stream: NodeJS.ReadableStream,
  take: (chunk: Buffer) => void,
): Promise<void> {
  const limits = new Limits(at, errand);
  const ended = new Promise<void>((resolve, reject) => {
    stream.once('end', resolve);
    stream.on('error', reject);
    stream.once('close', () => reject(hungUp(at, errand)));
    stream.on('data', (chunk: Buffer) => attempt(() => take(chunk), reject));
  });
  try {
    await Promise.race([ended, limits.failure]);
  } catch (error) {
    throw kindOf(error, errand.what, whereIs(at));
  } finally {
    limits.lift();
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
  }
}

function attempt(act: () => void, fail: (error: unknown) => void): void {
  try {
    act();
  } catch (error) {
    fail(error);
  }
}

/** What ends a wait from outside: the time limit, the surrounding signal, or a call of `fail`. */
class Limits {
  readonly failure: Promise<never>;
  fail: (error: unknown) => void = () => undefined;
  readonly lift: () => void;

  constructor(at: EngineAt, { what, limitMs }: Errand) {
    this.failure = new Promise((_resolve, reject) => {
      this.fail = reject;
    });
    this.failure.catch(() => undefined);
    const sentence = `docker engine at ${whereIs(at)}: ${what} took longer than ${limitMs / 1000} s`;
    const timer = setTimeout(() => this.fail(new Error(sentence)), limitMs);
    const surrounding = at.signal();
    const cancelled = () => this.fail(surrounding?.reason);
    if (surrounding?.aborted) cancelled();
    if (surrounding) setMaxListeners(0, surrounding); // One activity makes many requests at once, each with a listener.
    surrounding?.addEventListener('abort', cancelled, { once: true });
    this.lift = () => {
      clearTimeout(timer);
      surrounding?.removeEventListener('abort', cancelled);
    };
  }
}

/** The connections of one request, which can be cut all at once, and which report when the other side closes them. */
class Line extends http.Agent {
  onHungUp: (() => void) | undefined;
  readonly #way: Way | undefined;
  readonly #sockets: Duplex[] = [];
  #isCut = false;

  constructor(way: Way | undefined) {
    super();
    this.#way = way;
  }

  override createConnection(options: net.NetConnectOpts): Duplex {
    const socket = this.#way ? this.#way.toSocket(pathOf(options)) : net.createConnection(options);
    this.#sockets.push(socket);
    socket.once('close', () => setTimeout(() => this.onHungUp?.(), handOverMs).unref());
    if (this.#isCut) socket.destroy();
    return socket;
  }

  /**
   * docker-modem prints every request at full depth for a log that it does not write; through this it would walk the
   * whole process.
   */
  [inspect.custom](): string {
    return 'Line';
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The socket that docker-modem asks for. */
function pathOf(options: net.NetConnectOpts): string {
  if ('path' in options) return options.path;
  throw new Bug('an engine was asked for by an address, not by its socket');
}

/**
 * docker-modem prefers `DOCKER_HOST` and its relatives to its arguments, so it is made in an environment without them.
 */
function open(socketPath: string, agent: http.Agent): Docker {
  const saved = Object.entries(process.env).filter(([name]) => name.startsWith('DOCKER_'));
  for (const [name] of saved) delete process.env[name];
  try {
    const options = { socketPath, agent };
    return new Docker(options);
  } finally {
    Object.assign(process.env, Object.fromEntries(saved));
  }
}

function hungUp(at: EngineAt, { what }: Errand): Error {
  return new Error(`docker engine at ${whereIs(at)} hung up during ${what}`);
}
