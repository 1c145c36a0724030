import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';

/** How a device introduces itself. */
export type Introduction = {
  readonly clientId: string;
  readonly mode: string;
  readonly platform: string;
  readonly displayName: string;
  readonly scopes: readonly string[];
};

/** A role with the scopes that are asked for in it. */
export type Role = readonly [string, readonly string[]];

/** What the app of a phone is: a node, and an operator. */
export const rolesOfPhone: readonly Role[] = [
  ['node', []],
  ['operator', ['operator.read', 'operator.write']],
];

export const phone = { clientId: 'openclaw-ios', mode: 'node', platform: 'ios', displayName: 'Phone' } as const;

/** What a connection came to: let in with scopes, or the code of the refusal. */
export type Came =
  | {
      readonly in: true;
      readonly scopes: readonly string[];
      readonly closed: Promise<string>;
      readonly hangUp: () => void;
    }
  | { readonly in: false; readonly code: string; readonly requestId?: string };

const frame = z.looseObject({
  type: z.string(),
  event: z.string().optional(),
  ok: z.boolean().optional(),
  payload: z.looseObject({ nonce: z.string().optional(), ts: z.number().optional() }).optional(),
  error: z
    .looseObject({
      code: z.string(),
      details: z.looseObject({ code: z.string().optional(), requestId: z.string().optional() }).optional(),
    })
    .optional(),
});

const hello = z.looseObject({ auth: z.looseObject({ scopes: z.array(z.string()) }) });

/** A device as somebody else would write it: its own key, its own frames, nothing of creel's protocol code. */
export class OwnDevice {
  readonly id: string;
  readonly publicKey: string;
  readonly #key: KeyObject;
  readonly #as: Introduction;
  #over = false;

  constructor(as: Partial<Introduction> = {}) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    this.id = createHash('sha256').update(raw).digest('hex');
    this.publicKey = raw.toString('base64url');
    this.#key = privateKey;
    this.#as = {
      clientId: 'gateway-client',
      mode: 'backend',
      platform: 'linux',
      displayName: 'test device',
      scopes: ['operator.read', 'operator.write'],
      ...as,
    };
  }

  /** Connects once with a token. */
  connect(port: number, token: string, scopes = this.#as.scopes, role = 'operator'): Promise<Came> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    const closed = new Promise<string>((resolve) => {
      socket.on('close', (code, reason) => resolve(`${code} ${reason.toString()}`));
    });
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', (code) => reject(new Error(`closed with ${code} before any word`)));
      socket.on('message', (data: Buffer) => {
        const heard = frame.parse(JSON.parse(data.toString()));
        if (heard.event === 'connect.challenge') {
          const { nonce = '', ts = 0 } = heard.payload ?? {};
          socket.send(JSON.stringify(this.#connect(token, role, scopes, { nonce, ts })));
        } else if (heard.type === 'res' && heard.ok) {
          const { auth } = hello.parse(heard.payload);
          resolve({ in: true, scopes: auth.scopes, closed, hangUp: () => socket.close() });
        } else if (heard.type === 'res') {
          const { details, code = 'none' } = heard.error ?? {};
          const asked = details?.requestId === undefined ? {} : { requestId: details.requestId };
          resolve({ in: false, code: details?.code ?? code, ...asked });
          socket.close();
        }
      });
    });
  }

  /** Connects again and again, as apps do, until it is let in. */
  async keepConnecting(port: number, token: string, paceMs = 500): Promise<Extract<Came, { in: true }>> {
    while (!this.#over) {
      const came = await this.connect(port, token).catch(() => undefined);
      if (came?.in) return came;
      await sleep(paceMs);
    }
    throw new Error('the device was told to stop');
  }

  /** Asks for one role after the other, again and again, as apps of phones do, until it is let in with each. */
  async keepConnectingAs(roles: readonly Role[], port: number, token: string, paceMs = 500): Promise<void> {
    while (!this.#over) {
      const letIn: boolean[] = [];
      for (const [role, scopes] of roles) {
        const came = await this.connect(port, token, scopes, role).catch(() => undefined);
        letIn.push(came?.in === true);
        if (came?.in) came.hangUp();
      }
      if (letIn.every(Boolean)) return;
      await sleep(paceMs);
    }
    throw new Error('the device was told to stop');
  }

  stop(): void {
    this.#over = true;
  }

  #connect(
    token: string,
    role: string,
    scopes: readonly string[],
    { nonce, ts: signedAt }: { nonce: string; ts: number },
  ): unknown {
    const { clientId, mode, platform, displayName } = this.#as;
    const said = ['v3', this.id, clientId, mode, role, scopes.join(','), signedAt, token, nonce, platform, ''].join(
      '|',
    );
    const signature = sign(null, Buffer.from(said), this.#key).toString('base64url');
    const client = { id: clientId, version: '1', platform, mode, displayName };
    const device = { id: this.id, publicKey: this.publicKey, signature, signedAt, nonce };
    const params = { minProtocol: 4, maxProtocol: 4, client, role, scopes, caps: [], auth: { token }, device };
    return { type: 'req', id: '1', method: 'connect', params };
  }
}
