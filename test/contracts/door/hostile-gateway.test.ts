import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { doorLimits } from '../../../src/adapters/openclaw/limits.js';
import { OpenclawDoor } from '../../../src/adapters/openclaw/door.js';
import { localDial } from '../../../src/adapters/hosts/local-dial.js';
import { Refused } from '../../../src/domain/errors.js';
import { Secret } from '../../../src/domain/secret.js';
import { answerBytes, frameBytes } from '../../../src/domain/thresholds.js';
import type { Knock } from '../../../src/ports/gateway-door.js';

/** A gateway that says as much as it is told to, in a process of its own, so that only our own memory is measured. */
const gateway = `
import { WebSocketServer } from 'ws';
const [bytes, endless, at] = process.argv.slice(1);
const text = 'x'.repeat(Number(bytes));
const hello = { type: 'hello-ok', protocol: 4, server: { version: '1', bootId: 'b' }, auth: { scopes: [] } };
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.send(JSON.stringify({ type: 'event', event: 'connect.challenge', payload: { nonce: 'n', ts: 1 } }));
  const flood = () => socket.readyState === 1 && socket.send(JSON.stringify({ type: 'event', event: 'x', payload: text }), flood);
  socket.on('message', (data) => {
    const { id, method } = JSON.parse(String(data));
    const large = (method === 'connect') === (at === 'connect');
    const payload = method === 'connect' ? { ...hello, ...(large && { text }) } : { text };
    if (!large) socket.send(JSON.stringify({ type: 'res', id, ok: true, payload: hello }));
    else if (endless === 'endless') flood();
    else socket.send(JSON.stringify({ type: 'res', id, ok: true, payload }));
  });
});
`;

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** Knocks at such a gateway. */
async function knock(...args: string[]): Promise<Knock> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', gateway, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const parts = {
    dial: localDial,
    signal: () => undefined,
    engineAt: () => Promise.reject(new Error('unused')) as never,
  };
  const at = { place: { provider: 'local', host: 'here' }, port: Number(printed) } as const;
  const as = { token: new Secret('t'), device: undefined, scopes: [] };
  return new OpenclawDoor(parts, { ...doorLimits, callMs: 20_000 }).knock(at, as);
}

/** What an act comes to, and how much memory it took at its peak beyond what there was. */
async function measured(act: () => Promise<unknown>): Promise<{ error: unknown; bytes: number }> {
  const before = held();
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, held())), 5);
  const error = await act().catch((thrown: unknown) => thrown);
  clearInterval(timer);
  return { error, bytes: Math.max(peak, held()) - before };
}

function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const hundredMb = 100 * 1024 * 1024;

test.each(['connect', 'call'])('a frame of 25 MB at the %s is refused, and costs no memory', async (at) => {
  const act = async () => {
    const knocked = await knock(String(25 * 1024 * 1024), 'once', at);
    if (knocked.kind === 'open') await knocked.session.call('device.pair.list', {});
  };
  const { error, bytes } = await measured(act);
  expect(error).toBeInstanceOf(Refused);
  expect(error).toMatchObject({ message: expect.stringContaining(`a frame of more than ${frameBytes} bytes`) });
  expect(bytes).toBeLessThan(hundredMb / 4);
});

test('a gateway that never stops talking is hung up on while a question is open', async () => {
  const knocked = await knock(String(frameBytes - 1_000), 'endless', 'call');
  if (knocked.kind !== 'open') throw new Error(knocked.kind);
  const { error, bytes } = await measured(() => knocked.session.call('device.pair.list', {}));
  expect(error).toBeInstanceOf(Refused);
  expect(error).toMatchObject({ message: expect.stringContaining(`more than ${answerBytes} bytes`) });
  expect(bytes).toBeLessThan(hundredMb);
  await knocked.session.closed;
});
