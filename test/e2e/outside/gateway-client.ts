import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

type Frame = {
  readonly type: string;
  readonly event?: string;
  readonly id?: string;
  readonly ok?: boolean;
  readonly payload?: Record<string, unknown>;
  readonly error?: { readonly code: string; readonly message: string; readonly details?: Record<string, string> };
};

/** How a connect was answered. */
export type Answer =
  | {
      readonly ok: true;
      readonly version: string | undefined;
      readonly scopes: readonly string[];
      readonly deviceToken: string | undefined;
    }
  | { readonly ok: false; readonly code: string; readonly requestId: string | undefined };

const scopes = ['operator.read', 'operator.write'];

/** A device of a customer: written here from the protocol's description, without anything of creel's. */
export class CustomerDevice {
  readonly id: string;
  readonly publicKey: string;
  readonly #key: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    this.id = createHash('sha256').update(raw).digest('hex');
    this.publicKey = raw.toString('base64url');
    this.#key = privateKey;
  }

  proof(token: string, { nonce, ts }: { nonce: string; ts: number }): Record<string, unknown> {
    const text = ['v3', this.id, 'cli', 'cli', 'operator', scopes.join(','), ts, token, nonce, 'linux', ''].join('|');
    const signature = sign(null, Buffer.from(text), this.#key).toString('base64url');
    return { id: this.id, publicKey: this.publicKey, signature, signedAt: ts, nonce };
  }
}

/** One connection of a customer's program to the published port. */
export class CustomerClient {
  readonly #socket: WebSocket;
  readonly answer: Promise<Answer>;
  /** The close code, once it is closed. */
  closeCode: number | undefined;
  #nextId = 2;
  readonly #waiting = new Map<string, (frame: Frame) => void>();

  constructor(port: number, token: string, device?: CustomerDevice) {
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    this.#socket.on('error', () => undefined); // The close that follows says it all.
    this.#socket.on('close', (code) => {
      this.closeCode = code;
    });
    this.answer = new Promise((resolve) => {
      this.#socket.on('close', () => resolve({ ok: false, code: 'closed', requestId: undefined }));
      this.#socket.on('message', (data) => {
        const frame = JSON.parse((data as Buffer).toString('utf8')) as Frame;
        if (frame.event === 'connect.challenge') this.#introduce(token, device, frame.payload as never);
        else if (frame.id === '1') resolve(readAnswer(frame));
        else if (frame.id !== undefined) this.#waiting.get(frame.id)?.(frame);
      });
    });
  }

  #introduce(token: string, device: CustomerDevice | undefined, challenge: { nonce: string; ts: number }): void {
    const params = {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: 'cli', version: '1', platform: 'linux', mode: 'cli' },
      role: 'operator',
      scopes,
      caps: [],
      commands: [],
      permissions: {},
      auth: { token },
      locale: 'en-US',
      userAgent: 'customer',
      ...(device && { device: device.proof(token, challenge) }),
    };
    this.#socket.send(JSON.stringify({ type: 'req', id: '1', method: 'connect', params }));
  }

  /** Whether the connection still answers. */
  async isUp(): Promise<boolean> {
    if (this.closeCode !== undefined || this.#socket.readyState !== WebSocket.OPEN) return false;
    const id = String(this.#nextId++);
    const answered = new Promise<boolean>((resolve) => {
      this.#waiting.set(id, ({ ok }) => resolve(ok === true));
      this.#socket.once('close', () => resolve(false));
    });
    this.#socket.send(JSON.stringify({ type: 'req', id, method: 'health', params: {} }));
    return answered;
  }

  async close(): Promise<void> {
    if (this.closeCode !== undefined) return;
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

function readAnswer(frame: Frame): Answer {
  if (!frame.ok) {
    const { code, requestId } = frame.error?.details ?? {};
    return { ok: false, code: code ?? frame.error?.code ?? 'unknown', requestId };
  }
  const auth = (frame.payload?.['auth'] ?? {}) as { scopes?: string[]; deviceToken?: string };
  const server = (frame.payload?.['server'] ?? {}) as { version?: string };
  return { ok: true, version: server.version, scopes: auth.scopes ?? [], deviceToken: auth.deviceToken };
}

/** Connects, and answers the client with what it was told. */
export async function connectCustomer(
  port: number,
  token: string,
  device?: CustomerDevice,
): Promise<{ client: CustomerClient; answer: Answer }> {
  const client = new CustomerClient(port, token, device);
  return { client, answer: await client.answer };
}
