import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { doorLimits } from '../../../src/adapters/openclaw/limits.js';
import { OpenclawDoor } from '../../../src/adapters/openclaw/door.js';
import { localDial } from '../../../src/adapters/hosts/local-dial.js';
import { Secret } from '../../../src/domain/secret.js';
import { RpcError, type Session } from '../../../src/ports/gateway-door.js';

/** What a gateway may do to a session that it let in, from a server that does it on purpose. */
const limits = { ...doorLimits, callMs: 300 };
const servers: WebSocketServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const each of server.clients) each.terminate();
    server.close();
  }
});

type Request = { readonly id: string; readonly method: string };

test('calls may overlap and be answered in any order, between events', async () => {
  const waiting: Request[] = [];
  const { session } = await letIn((socket, request) => {
    waiting.push(request);
    send(socket, { type: 'event', event: 'tick', payload: {} });
    if (waiting.length < 3) return;
    for (const { id, method } of waiting.toReversed()) send(socket, { type: 'res', id, ok: true, payload: method });
  });
  expect(await Promise.all(['a', 'b', 'c'].map((method) => session.call(method, {})))).toEqual(['a', 'b', 'c']);
  session.close();
});

test('a refusal is the gateway’s own code and sentence, and the session goes on', async () => {
  const { session } = await letIn((socket, { id, method }) => {
    if (method === 'good') return send(socket, { type: 'res', id, ok: true, payload: 1 });
    send(socket, { type: 'res', id, ok: false, error: { code: 'FORBIDDEN', message: 'missing scope: x' } });
  });
  const refused = await session.call('bad', {}).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RpcError);
  expect(refused).toMatchObject({ code: 'FORBIDDEN', message: 'missing scope: x' });
  expect(await session.call('good', {})).toBe(1);
  session.close();
});

test('a call that is not answered is an error after its limit, and a late answer to it changes nothing', async () => {
  const { session } = await letIn((socket, { id, method }) => {
    const answer = () => send(socket, { type: 'res', id, ok: true, payload: method });
    if (method === 'slow') setTimeout(answer, 400);
    else answer();
  });
  await expect(session.call('slow', {})).rejects.toThrow('slow was not answered within 300 ms');
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(await session.call('quick', {})).toBe('quick');
  session.close();
});

test.each([
  [
    'closes with a reason',
    (socket: WebSocket) => socket.close(4001, 'gateway auth changed'),
    /close 4001 gateway auth changed/,
  ],
  ['dies', (socket: WebSocket) => socket.terminate(), /close 1006/],
  ['sends what is no frame', (socket: WebSocket) => socket.send('{"type":"res"}'), /not of its protocol version 4/],
])('when the gateway %s, every call that waits and every later one is rejected with that', async (_, act, expected) => {
  const { session } = await letIn((socket, { method }) => void (method === 'second' && act(socket)));
  const calls = [session.call('first', {}), session.call('second', {})];
  for (const each of calls) await expect(each).rejects.toThrow(expected);
  await expect(session.call('later', {})).rejects.toThrow(expected);
});

test('when the activity is cancelled, calls end at once with its reason and the connection goes', async () => {
  const asked = new AbortController();
  const reason = new Error('the activity was cancelled');
  const { session, server } = await letIn(() => {}, asked.signal);
  const call = session.call('never', {});
  asked.abort(reason);
  await expect(call).rejects.toBe(reason);
  await expect.poll(() => server.clients.size, { timeout: 2_000 }).toBe(0);
});

test('hanging up rejects what waits, and the connection goes even when the gateway does not hang up itself', async () => {
  const { session, stream } = await letIn((socket) => socket.pause());
  const call = session.call('never', {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  session.close();
  session.close();
  await expect(call).rejects.toThrow(/hung up/);
  await expect.poll(() => stream.destroyed, { timeout: 3_000 }).toBe(true);
});

/** A session with a server that lets everybody in and treats every later request as it is told to. */
async function letIn(
  serve: (socket: WebSocket, request: Request) => void,
  signal?: AbortSignal,
): Promise<{ session: Session; server: WebSocketServer; stream: Socket }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => {
    send(socket, { type: 'event', event: 'connect.challenge', payload: { nonce: 'n', ts: 1 } });
    socket.on('message', (data: Buffer) => {
      const request: Request = JSON.parse(data.toString());
      if (request.method === 'connect') send(socket, { type: 'res', id: request.id, ok: true, payload: hello });
      else serve(socket, request);
    });
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const place = { provider: 'local', host: 'here' } as const;
  const stream = await localDial(place, port);
  const door = new OpenclawDoor({ dial: async () => stream, engineAt: noEngine, signal: () => signal }, limits);
  const knock = await door.knock({ place, port }, { token: new Secret('t'), device: undefined, scopes: [] });
  if (knock.kind !== 'open') throw new Error(`the door did not open: ${knock.kind}`);
  return { session: knock.session, server, stream };
}

const hello = { type: 'hello-ok', protocol: 4, server: { version: '1', bootId: 'b' }, auth: { scopes: [] } };

function send(socket: WebSocket, frame: object): void {
  socket.send(JSON.stringify(frame));
}

function noEngine(): never {
  throw new Error('outside needs no engine');
}
