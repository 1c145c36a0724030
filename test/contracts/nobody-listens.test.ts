import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../src/client/connect.js';
import { Unreachable } from '../../src/client/failure.js';
import { refused } from '../../src/client/refused-port.js';

let server: Server | undefined;
const over = new AbortController();
afterEach(() => {
  server?.close();
  server = undefined;
});

async function listen(port = 0): Promise<number> {
  server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const port = await listen();
  server?.close();
  await once(server ?? createServer(), 'close');
  return port;
}

const settledWithin = (promise: Promise<never>, ms: number) =>
  Promise.race([promise.catch(() => 'refused'), after(ms, 'open')]);

test('a port on which nothing listens is told in two seconds, in the words of a silent one', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const began = performance.now();
  const error: unknown = await connect({ address }, {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unreachable);
  expect(String(error)).toContain(`Temporal does not answer at ${address} (from the flag --address)`);
  expect(performance.now() - began).toBeLessThan(2_500);
});

test('a server that starts a moment later is waited for', async () => {
  const port = await freePort();
  const asking = refused(`127.0.0.1:${port}`, {}, over.signal);
  await after(300);
  await listen(port);
  expect(await settledWithin(asking, 2_000)).toBe('open');
});

test('only this machine is asked past a proxy, and only what names a host and a port', async () => {
  const port = await freePort();
  const proxied = { https_proxy: 'http://127.0.0.1:9' };
  expect(await settledWithin(refused(`localhost:${port}`, proxied, over.signal), 5_000)).toBe('refused');
  expect(await settledWithin(refused(`dns:///127.0.0.1:${port}`, {}, over.signal), 2_000)).toBe('open');
  expect(await settledWithin(refused(`temporal.invalid:${port}`, proxied, over.signal), 2_000)).toBe('open');
});
