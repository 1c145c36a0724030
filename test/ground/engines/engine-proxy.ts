import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/**
 * What a proxy does with a connection: passes it on, takes the request and never answers, drops the connection as soon as the
 * engine answers, drops it after so many bytes of answers, or holds a request that reads so until `letGo`.
 */
export type Manner =
  | 'pass'
  | 'silent'
  | 'drop answer'
  | { readonly dropAfterBytes: number }
  | { readonly holdBefore: RegExp };

/** A socket before an engine's socket, to break what cannot be broken on an engine that others use. */
export class EngineProxy {
  readonly socketPath = path.join(os.tmpdir(), `creel-proxy-${randomBytes(4).toString('hex')}.sock`);
  manner: Manner = 'pass';
  connections = 0;
  held = 0;
  #letGo: () => void = () => {};
  readonly #free = new Promise<void>((resolve) => {
    this.#letGo = resolve;
  });
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  constructor(enginePath: string) {
    this.#server = net.createServer({ allowHalfOpen: true }, (client) => this.#serve(client, enginePath));
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.socketPath, resolve);
    });
    return this;
  }

  /** Passes on what is held, and holds nothing any more. */
  letGo(): void {
    this.manner = 'pass';
    this.#letGo();
  }

  /** Drops every connection that is open now. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropAll();
    await new Promise((resolve) => this.#server.close(resolve));
    fs.rmSync(this.socketPath, { force: true });
  }

  #serve(client: net.Socket, enginePath: string): void {
    this.connections += 1;
    const { manner } = this;
    const engine = net.connect({ path: enginePath, allowHalfOpen: true });
    for (const socket of [client, engine]) {
      this.#sockets.add(socket);
      socket.on('error', () => this.#drop(client, engine));
      socket.on('close', () => this.#drop(client, engine));
    }
    client.on('data', (chunk: Buffer) => {
      const isHeld = typeof manner === 'object' && 'holdBefore' in manner && manner.holdBefore.test(chunk.toString());
      if (!isHeld) return engine.write(chunk);
      this.held += 1;
      return void this.#free.then(() => engine.write(chunk));
    });
    client.on('end', () => engine.end());
    let passed = 0;
    engine.on('data', (chunk: Buffer) => {
      if (manner === 'silent') return;
      if (manner === 'drop answer') return this.#drop(client, engine);
      const isCut = typeof manner === 'object' && 'dropAfterBytes' in manner;
      const room = isCut ? Math.max(0, manner.dropAfterBytes - passed) : chunk.length;
      passed += chunk.length;
      client.write(chunk.subarray(0, room), () => room < chunk.length && this.#drop(client, engine));
    });
    engine.on('end', () => manner !== 'silent' && client.end());
  }

  #drop(...sockets: net.Socket[]): void {
    for (const socket of sockets) {
      socket.destroy();
      this.#sockets.delete(socket);
    }
  }
}
