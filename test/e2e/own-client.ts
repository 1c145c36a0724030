import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

type Frame = {
  readonly type: string;
  readonly event?: string;
  readonly ok?: boolean;
  readonly payload?: { readonly nonce?: string; readonly ts?: number } & Record<string, unknown>;
  readonly error?: { readonly message: string; readonly details?: { readonly requestId?: string } };
};

export type Greeting = { readonly version: string; readonly scopes: readonly string[] };

/** A client of a gateway as somebody else would write it, with a device of its own: it shares no code with creel. */
export class OwnClient {
  readonly #privateKey: KeyObject;
  readonly #publicKey: string;
  readonly deviceId: string;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    this.#privateKey = privateKey;
    this.#publicKey = raw.toString('base64url');
    this.deviceId = createHash('sha256').update(raw).digest('hex');
  }

  /** Connects once. A refusal is an error with the gateway's words and, where there is one, the pairing request. */
  async connect(port: number, token: string): Promise<Greeting> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { handshakeTimeout: 2_000 });
    const frames: Frame[] = [];
    socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString())));
    socket.on('error', () => undefined); // The wait below hears of it.
    try {
      const challenge = await frameOf(socket, frames, (frame) => frame.event === 'connect.challenge');
      socket.send(JSON.stringify(this.#request(challenge, token)));
      const answer = await frameOf(socket, frames, (frame) => frame.type === 'res');
      if (!answer.ok) throw new Turned(answer.error?.message ?? '', answer.error?.details?.requestId);
      const { server, auth } = answer.payload as { server: { version: string }; auth: { scopes: string[] } };
      return { version: server.version, scopes: auth.scopes };
    } finally {
      socket.terminate();
    }
  }

  #request(challenge: Frame, token: string) {
    const { nonce = '', ts = 0 } = challenge.payload ?? {};
    const scopes = ['operator.read'];
    const parts = ['v3', this.deviceId, 'test', 'backend', 'operator', scopes.join(','), ts, token, nonce, 'linux', ''];
    const signature = sign(null, Buffer.from(parts.join('|')), this.#privateKey).toString('base64url');
    const device = { id: this.deviceId, publicKey: this.#publicKey, signature, signedAt: ts, nonce };
    const client = { id: 'test', version: '1', platform: 'linux', mode: 'backend' };
    const params = { minProtocol: 4, maxProtocol: 4, client, role: 'operator', scopes, auth: { token }, device };
    const rest = { caps: [], commands: [], permissions: {}, locale: 'en-US', userAgent: 'own' };
    return { type: 'req', id: '1', method: 'connect', params: { ...params, ...rest } };
  }
}

export class Turned extends Error {
  readonly requestId: string | undefined;

  constructor(message: string, requestId: string | undefined) {
    super(message);
    this.requestId = requestId;
  }
}

async function frameOf(socket: WebSocket, frames: Frame[], wanted: (frame: Frame) => boolean): Promise<Frame> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const found = frames.find(wanted);
    if (found) return found;
    if (socket.readyState === WebSocket.CLOSED || Date.now() > deadline) throw new Error('the gateway does not answer');
    await Promise.race([once(socket, 'message').catch(() => undefined), sleep(50)]);
  }
}
