import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../../src/client/connect.js';
import { Unreachable } from '../../../src/client/failure.js';
import { demandListening } from '../../../src/client/listening.js';

let server: Server | undefined;
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

test('a port on which nothing listens is told long before a silent one is given up, in its words', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const began = performance.now();
  const error: unknown = await connect({ address }, {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unreachable);
  expect(String(error)).toContain(`Temporal does not answer at ${address} (from the flag --address)`);
  expect(performance.now() - began).toBeLessThan(10_000); // A silent address is given fifteen seconds.
});

test('a server that starts a moment later is met', async () => {
  const port = await freePort();
  const asking = demandListening(`127.0.0.1:${port}`, {});
  await listen(port);
  await expect(asking).resolves.toBeUndefined();
});

test('only this machine is asked past a proxy, and only what names a host and a port', async () => {
  const port = await freePort();
  const proxied = { https_proxy: 'http://127.0.0.1:9' };
  await expect(demandListening(`localhost:${port}`, proxied)).rejects.toThrow(`nothing listens at localhost:${port}`);
  for (const [address, environment] of [
    [`dns:///127.0.0.1:${port}`, {}],
    [`temporal.invalid:${port}`, proxied],
    ['temporal.invalid:1', {}],
    ['127.0.0.1:70000', {}],
    ['127.0.0.1', {}],
  ] as const)
    await expect(demandListening(address, environment)).resolves.toBeUndefined();
});
