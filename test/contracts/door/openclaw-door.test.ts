import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { execa } from 'execa';
import getPort from 'get-port';
import { describe, expect, test } from 'vitest';
import { doorLimits } from '../../../src/adapters/openclaw/limits.js';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { OpenclawDoor } from '../../../src/adapters/openclaw/door.js';
import { localDial } from '../../../src/adapters/hosts/local-dial.js';
import { Away, NotYet } from '../../../src/domain/errors.js';
import { Secret } from '../../../src/domain/secret.js';
import { foundImage, foundSocket } from '../../ground/found.js';
import { doorContract } from './door-contract.js';
import { prepareRealGateway } from './real-gateway.js';

doorContract('the door of a real gateway', () => prepareRealGateway('2026.9.6'));

const place = { provider: 'local', host: 'here' } as const;

/** A process of the container that is not its first ends all others again and again, as the end of the container would. */
const ending = ['sh', '-c', 'while :; do sh -c "kill -9 -1"; sleep 0.05; done'];

test('what is asked inside a container that ends meanwhile is not yet: a reason to look how it ended', async () => {
  const container = `creel-ending-${randomBytes(4).toString('hex')}`;
  const image = foundImage('2026.9.6');
  await execa('docker', ['run', '--detach', '--network', 'none', '--name', container, image, ...ending]);
  try {
    const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
    const door = new OpenclawDoor({ dial: localDial, engineAt: () => engine, signal: () => undefined });
    const asking = door.callInside({ place, container, token: new Secret('t') }, []);
    await expect(asking).rejects.toThrow(new NotYet(`what was asked in container ${container} was killed`));
  } finally {
    await execa('docker', ['rm', '--force', container]);
  }
});

function noEngine(): never {
  throw new Error('outside needs no engine');
}

describe('peers that are no gateway', () => {
  const quick = { ...doorLimits, connectMs: 300, answerMs: 300, callMs: 300 };
  const as = { token: new Secret('t'), device: undefined, scopes: [] };
  const doorWith = (limits = doorLimits) =>
    new OpenclawDoor({ dial: localDial, engineAt: noEngine, signal: () => undefined }, limits);

  test('a port where nothing listens is not yet', async () => {
    const at = { place, port: await getPort() };
    await expect(doorWith().probeStartup(at)).rejects.toThrow(NotYet);
    await expect(doorWith().knock(at, as)).rejects.toThrow(NotYet);
  });

  test('a host that is not reached says nothing of a gateway there: it is not taken for one that hangs', async () => {
    const dial = async (): Promise<never> => {
      throw new Away('host b1 does not answer over SSH');
    };
    const door = new OpenclawDoor({ dial, engineAt: noEngine, signal: () => undefined });
    await expect(door.findPulse({ place, port: 1 })).rejects.toThrow(Away);
  });

  test('a server that accepts and says nothing is not yet within the limit', async () => {
    await withServer(
      () => {},
      async (port) => {
        const began = Date.now();
        await expect(doorWith(quick).probeStartup({ place, port })).rejects.toThrow(NotYet);
        await expect(doorWith(quick).knock({ place, port }, as)).rejects.toThrow(NotYet);
        expect(Date.now() - began).toBeLessThan(2_000);
        expect(await doorWith(quick).findPulse({ place, port })).toBe('silent');
      },
    );
  });

  test.each([
    ['at once', (socket: Socket) => socket.resetAndDestroy()],
    ['when it is asked', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
  ])(
    'a server that accepts and resets %s is not yet, as Docker does before the gateway listens (T6)',
    async (_, serve) => {
      await withServer(serve, async (port) => {
        await expect(doorWith().probeStartup({ place, port })).rejects.toThrow(NotYet);
        await expect(doorWith().knock({ place, port }, as)).rejects.toThrow(NotYet);
        expect(await doorWith().findPulse({ place, port })).toBe('deaf');
      });
    },
  );

  test.each([
    ['403 Forbidden', { kind: 'turned away', code: 'http 403', reason: expect.any(String) }],
    ['426 Upgrade Required', { kind: 'turned away', code: 'http 426', reason: expect.any(String) }],
  ])('a proxy that answers %s to the WebSocket is a verdict (T14)', async (status, verdict) => {
    await withServer(answerWith(status), async (port) => {
      expect(await doorWith().knock({ place, port }, as)).toEqual(verdict);
    });
  });

  test('a proxy that answers 503 is not yet', async () => {
    await withServer(answerWith('503 Service Unavailable'), async (port) => {
      await expect(doorWith().knock({ place, port }, as)).rejects.toThrow(NotYet);
      await expect(doorWith().probeStartup({ place, port })).rejects.toThrow(NotYet);
    });
  });

  test('a server that speaks something else is an error, not a wait', async () => {
    await withServer(
      (socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
      async (port) => {
        const error = await doorWith()
          .knock({ place, port }, as)
          .catch((each: unknown) => each);
        expect(error).toBeInstanceOf(Error);
        expect(error).not.toBeInstanceOf(NotYet);
      },
    );
  });

  test('whatever came of fifty knocks, no connection stays open', async () => {
    await withServer(answerWith('403 Forbidden', 'keep-alive'), async (port, sockets) => {
      await Promise.all(Array.from({ length: 50 }, () => doorWith().knock({ place, port }, as)));
      await expect.poll(() => [...sockets].filter((socket) => !socket.destroyed).length, { timeout: 2_000 }).toBe(0);
    });
  });

  test('a cancelled activity ends the wait at once, with its own reason', async () => {
    await withServer(
      () => {},
      async (port) => {
        const slow = { ...doorLimits, connectMs: 60_000 };
        const asked = new AbortController();
        const door = new OpenclawDoor({ dial: localDial, engineAt: noEngine, signal: () => asked.signal }, slow);
        const reason = new Error('the activity was cancelled');
        const waits = [door.probeStartup({ place, port }), door.knock({ place, port }, as)];
        setTimeout(() => asked.abort(reason), 50);
        for (const each of await Promise.allSettled(waits)) expect(each).toMatchObject({ status: 'rejected', reason });
      },
    );
  });
});

function answerWith(status: string, connection = 'close'): (socket: Socket) => void {
  const answer = `HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: ${connection}\r\n\r\n`;
  return (socket) => socket.once('data', () => socket.write(answer));
}

async function withServer(
  serve: (socket: Socket) => unknown,
  use: (port: number, sockets: ReadonlySet<Socket>) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await use(typeof address === 'object' && address ? address.port : 0, sockets);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
