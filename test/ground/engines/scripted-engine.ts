import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

/** An answer of the engine API: a status, and a value as JSON or lines as they are. */
export type Scripted =
  | { readonly status: number; readonly body: unknown }
  | { readonly lines: readonly unknown[]; readonly breaksOff?: boolean };

/** Speaks the engine API as a test tells it to, for what a real engine cannot be brought to say. */
export class ScriptedEngine {
  readonly socketPath: string;
  /** What to answer to `METHOD /path`, without the query. */
  answer: (request: string) => Scripted = () => ({ status: 404, body: { message: 'not scripted' } });
  readonly #server = http.createServer((request, response) => {
    const [location] = (request.url ?? '').split('?');
    const scripted = this.answer(`${request.method} ${location}`);
    request.resume();
    if ('lines' in scripted) {
      const lines = scripted.lines.map((line) => `${JSON.stringify(line)}\r\n`).join('');
      if (scripted.breaksOff) response.write(lines, () => response.destroy());
      else response.end(lines);
      return;
    }
    response.writeHead(scripted.status, { 'content-type': 'application/json' });
    response.end(scripted.status === 304 ? undefined : JSON.stringify(scripted.body));
  });

  constructor(socketPath = path.join(os.tmpdir(), `creel-script-${randomBytes(4).toString('hex')}.sock`)) {
    this.socketPath = socketPath;
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.socketPath, resolve);
    });
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    fs.rmSync(this.socketPath, { force: true });
  }
}
