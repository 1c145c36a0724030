import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EngineAt, PullLogin, Relayed } from '../docker/call.js';
import { pullLogin } from './pull-logins.js';
import { Upstream } from './upstream.js';

/** Another machine, of whose own loopback whoever comes to a port can be handed over here, until that is closed. */
type There = {
  readonly listen: (take: (stream: Duplex) => void) => Promise<{ readonly port: number; readonly close: () => void }>;
};

const digestForm = /^(?:([^/]+)\/)?(.+)@(sha256:[0-9a-f]{64})$/;

/** What of an answer concerns an engine, and what of its question a registry. */
const answered = ['content-type', 'content-length', 'content-range', 'docker-content-digest', 'etag'];
const asked = ['accept', 'range'];

/** How the engine of another machine pulls: through this process, by its logins, where its settings say so. */
export function relayFor(pull: 'worker' | undefined, there: There): Pick<EngineAt, 'relay'> {
  if (pull === undefined) return {};
  return { relay: async (reference) => relayPull(reference, await pullLogin(reference), there) };
}

/**
 * A way to pull one image by its digest for an engine that does not reach the registry: it asks at its own loopback, and
 * this process asks the registry, with its own login, for this repository alone. Undefined for a reference without a
 * digest, because nothing would say that what came is what was meant.
 */
async function relayPull(reference: string, login: PullLogin | undefined, there: There): Promise<Relayed | undefined> {
  const source = sourceOf(reference);
  if (!source) return undefined;
  const over = new AbortController();
  const upstream = new Upstream(source.base, source.repository, login);
  const server = http.createServer((request, response) => {
    pass(upstream, source.repository, request, response, over.signal).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(`no answer from ${source.base}: ${String(error)}`);
    });
  });
  const come = new Set<Duplex>(); // A server that does not listen itself keeps no list of them.
  const door = await there.listen((stream) => {
    come.add(stream);
    stream.once('close', () => come.delete(stream));
    server.emit('connection', stream);
  });
  return {
    reference: `127.0.0.1:${door.port}/${source.repository}@${source.digest}`,
    close: () => {
      over.abort();
      door.close();
      for (const stream of come) stream.destroy();
    },
  };
}

type Source = { readonly base: string; readonly repository: string; readonly digest: string };

/** Where a reference leads: without a registry to Docker Hub; one on loopback is asked without TLS, as engines do. */
function sourceOf(reference: string): Source | undefined {
  const [, first, rest = '', digest = ''] = digestForm.exec(reference) ?? [];
  if (digest === '') return undefined;
  const untagged = (name: string) => name.replace(/:[^/:]+$/, '');
  const isHost = first !== undefined && (/[.:]/.test(first) || first === 'localhost');
  if (isHost && first !== 'docker.io') {
    const scheme = /^(?:127\.[\d.]+|localhost|\[::1\])(?::\d+)?$/.test(first) ? 'http' : 'https';
    return { base: `${scheme}://${first}`, repository: untagged(rest), digest };
  }
  const name = untagged(first === undefined || first === 'docker.io' ? rest : `${first}/${rest}`);
  return { base: 'https://registry-1.docker.io', repository: name.includes('/') ? name : `library/${name}`, digest };
}

const unknown = JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: 'not what is relayed here' }] });

/** Passes one question on, and its answer back as it comes. Whatever is not of this repository is not there. */
async function pass(
  upstream: Upstream,
  repository: string,
  request: IncomingMessage,
  response: ServerResponse,
  over: AbortSignal,
): Promise<void> {
  const { method, url = '' } = request;
  if (url === '/v2/' || url === '/v2') return void response.writeHead(200).end('{}');
  const within = url.startsWith(`/v2/${repository}/`) ? url.slice(`/v2/${repository}/`.length) : '';
  const isPull = /^(?:manifests|blobs)\/[\w:.-]+$/.test(within) && (method === 'GET' || method === 'HEAD');
  if (!isPull) return void response.writeHead(404).end(unknown);
  const answer = await upstream.ask(
    method,
    within,
    chosen(asked, (name) => request.headers[name]?.toString()),
    over,
  );
  response.writeHead(
    answer.status,
    chosen(answered, (name) => answer.headers.get(name) ?? undefined),
  );
  if (!answer.body || method === 'HEAD') return void response.end();
  await pipeline(Readable.fromWeb(answer.body), response);
}

function chosen(names: readonly string[], valueOf: (name: string) => string | undefined): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = valueOf(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
