import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { scratchDirectory } from '../../world/scratch.js';

/** Whom a registry lets in. */
type Visitor = { readonly username: string; readonly password: string };

type Asked = { readonly name: string; readonly what: string; readonly which: string; readonly query: URLSearchParams };

/** A registry of images on loopback, as far as engines push to it and pull from it; with a visitor, for nobody else. */
export class ImageRegistry {
  readonly #directory = scratchDirectory('creel-registry-');
  readonly #visitor: Visitor | undefined;
  #holdsBack = false;
  #waiting = 0;
  readonly #server = http.createServer((request, response) => {
    this.#hear(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  private constructor(visitor: Visitor | undefined) {
    this.#visitor = visitor;
    for (const kind of ['blobs', 'manifests', 'uploads']) fs.mkdirSync(path.join(this.#directory, kind));
  }

  static async open(visitor?: Visitor): Promise<ImageRegistry> {
    const registry = new ImageRegistry(visitor);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** The name of a repository in it. */
  get repository(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/openclaw`;
  }

  /** Answers nobody from now on. */
  holdBack(): void {
    this.#holdsBack = true;
  }

  /** Answers whoever asks from now on. */
  answerAgain(): void {
    this.#holdsBack = false;
  }

  /** How many wait for an answer in vain. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The manifests that were pushed, as `name:reference`. */
  pushed(): string[] {
    return fs.readdirSync(path.join(this.#directory, 'manifests')).map((file) => decodeURIComponent(file));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#holdsBack) return void (this.#waiting += 1);
    if (!this.#lets(request))
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="images"' }).end(denied);
    const url = new URL(request.url ?? '/', 'http://registry');
    const [, name, what, which] = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (name === undefined || what === undefined || which === undefined)
      return void response.writeHead(url.pathname === '/v2/' ? 200 : 404).end('{}');
    const asked = { name, what, which, query: url.searchParams };
    if (request.method === 'GET' || request.method === 'HEAD') return this.#give(request, response, asked);
    if (what === 'manifests') return this.#takeManifest(request, response, asked);
    return this.#takeBlob(request, response, asked);
  }

  #lets({ headers }: IncomingMessage): boolean {
    if (!this.#visitor) return true;
    const { username, password } = this.#visitor;
    return headers.authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  #give(request: IncomingMessage, response: ServerResponse, { name, what, which }: Asked): void {
    const file = this.#file(what, what === 'manifests' ? `${name}:${which}` : which);
    if (!fs.existsSync(file)) return void response.writeHead(404).end(unknown);
    const size = fs.statSync(file).size;
    const digest = what === 'manifests' ? digestOf(fs.readFileSync(file)) : which;
    const type = what === 'manifests' ? mediaTypeOf(file) : 'application/octet-stream';
    response.writeHead(200, { 'content-length': size, 'content-type': type, 'docker-content-digest': digest });
    if (request.method === 'HEAD') return void response.end();
    fs.createReadStream(file).pipe(response);
  }

  async #takeManifest(request: IncomingMessage, response: ServerResponse, { name, which }: Asked): Promise<void> {
    const draft = this.#file('uploads', randomUUID());
    await pipeline(request, fs.createWriteStream(draft));
    const digest = digestOf(fs.readFileSync(draft));
    for (const reference of new Set([which, digest]))
      fs.copyFileSync(draft, this.#file('manifests', `${name}:${reference}`));
    const at = `/v2/${name}/manifests/${digest}`;
    response.writeHead(201, { location: at, 'docker-content-digest': digest }).end();
  }

  /** POST begins an upload, PATCH adds to it, PUT ends it: in the engine's own pace. */
  async #takeBlob(request: IncomingMessage, response: ServerResponse, { name, which, query }: Asked): Promise<void> {
    const id = which === '' ? randomUUID() : which;
    const upload = this.#file('uploads', id);
    await pipeline(request, fs.createWriteStream(upload, { flags: 'a' }));
    const digest = query.get('digest');
    if (digest === null || request.method !== 'PUT') {
      const range = `0-${Math.max(0, fs.statSync(upload).size - 1)}`;
      const location = `/v2/${name}/blobs/uploads/${id}`;
      return void response.writeHead(202, { location, range, 'docker-upload-uuid': id }).end();
    }
    fs.renameSync(upload, this.#file('blobs', digest));
    response.writeHead(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }).end();
  }

  #file(kind: string, name: string): string {
    return path.join(this.#directory, kind, encodeURIComponent(name));
  }
}

const unknown = JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] });
const denied = JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] });

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function mediaTypeOf(file: string): string {
  const { mediaType } = JSON.parse(fs.readFileSync(file, 'utf8')) as { mediaType?: string };
  return mediaType ?? 'application/vnd.oci.image.manifest.v1+json';
}
