import { z } from 'zod';
import { NotYet } from '../../domain/errors.js';
import { Secret } from '../../domain/secret.js';
import type { Device } from '../../domain/keys/token.js';
import type { Hello, Knock } from '../../ports/gateway-door.js';

/** The gateway's WebSocket protocol, version 4: pure functions from frame to meaning, for both ways in. */
const protocolVersion = 4;

/** The request id of the connect; later requests on the connection count on from it. */
export const firstId = '1';

const role = 'operator';
const platform = 'linux';
const deviceFamily = '';

/** The identity under which releases 2026.6.11 and 2026.9.6 make a loopback connection an operator without pairing. */
const client = { id: 'gateway-client', version: '1', platform, mode: 'backend' } as const;

const challengeFrame = z.object({
  type: z.literal('event'),
  event: z.literal('connect.challenge'),
  payload: z.object({ nonce: z.string().min(1), ts: z.number() }),
});

const eventFrame = z.object({ type: z.literal('event'), event: z.string() });

const errorShape = z.object({
  code: z.string(),
  message: z.string(),
  details: z
    .object({ code: z.string().optional(), reason: z.string().optional(), requestId: z.string().optional() })
    .optional()
    .catch(undefined),
});

const responseFrame = z.union([
  z.object({ type: z.literal('res'), id: z.string(), ok: z.literal(true), payload: z.unknown() }),
  z.object({ type: z.literal('res'), id: z.string(), ok: z.literal(false), error: errorShape }),
]);

/** `bootId` is empty where the release does not tell it (2026.6.11). */
const helloShape = z.object({
  type: z.literal('hello-ok'),
  protocol: z.literal(protocolVersion),
  server: z.object({ version: z.string(), bootId: z.string().default('') }),
  auth: z
    .object({ scopes: z.array(z.string()).default([]), deviceToken: z.string().optional() })
    .default({ scopes: [] }),
});

export type Challenge = { readonly nonce: string; readonly ts: number };

export type GatewayError = z.infer<typeof errorShape>;

export type Frame =
  | { readonly kind: 'challenge'; readonly challenge: Challenge }
  | { readonly kind: 'event' }
  | { readonly kind: 'answer'; readonly id: string; readonly payload: unknown }
  | { readonly kind: 'refusal'; readonly id: string; readonly error: GatewayError };

/** One text frame of the gateway. Text that is no frame of this protocol is an `Error` that does not repeat it. */
export function readFrame(text: string): Frame {
  const raw = readJson(text);
  const challenge = challengeFrame.safeParse(raw);
  if (challenge.success) return { kind: 'challenge', challenge: challenge.data.payload };
  if (eventFrame.safeParse(raw).success) return { kind: 'event' };
  const response = responseFrame.safeParse(raw);
  if (!response.success) throw new Error('the gateway sent a frame that is not of its protocol version 4');
  const frame = response.data;
  if (frame.ok) return { kind: 'answer', id: frame.id, payload: frame.payload };
  return { kind: 'refusal', id: frame.id, error: frame.error };
}

export type Introduction = {
  readonly token: Secret;
  readonly device: Device | undefined;
  readonly scopes: readonly string[];
};

/** The parameters of `connect`. The result carries the token: it belongs in the socket and nowhere else. */
export function connectParams(as: Introduction, challenge: Challenge | undefined): { [key: string]: unknown } {
  return {
    minProtocol: protocolVersion,
    maxProtocol: protocolVersion,
    client,
    role,
    scopes: as.scopes,
    caps: [],
    commands: [],
    permissions: {},
    auth: { token: as.token.reveal() },
    locale: 'en-US',
    userAgent: 'creel',
    ...(as.device && challenge && { device: proof(as.device, as, challenge) }),
  };
}

/** What a device signs as its proof (payload version 3). The result carries the token. */
export function deviceProofText(device: Pick<Device, 'id'>, as: Introduction, challenge: Challenge): string {
  return [
    'v3',
    device.id,
    client.id,
    client.mode,
    role,
    as.scopes.join(','),
    String(challenge.ts),
    as.token.reveal(),
    challenge.nonce,
    platform,
    deviceFamily,
  ].join('|');
}

function proof(device: Device, as: Introduction, challenge: Challenge): { [key: string]: unknown } {
  return {
    id: device.id,
    publicKey: device.publicKey,
    signature: device.sign(deviceProofText(device, as, challenge)),
    signedAt: challenge.ts,
    nonce: challenge.nonce,
  };
}

/** One request as a text frame. */
export function requestFrame(id: string, method: string, params: unknown): string {
  return JSON.stringify({ type: 'req', id, method, params });
}

/** The payload of a successful connect. Another shape or protocol version is an `Error`. */
export function readHello(payload: unknown): Hello {
  const parsed = helloShape.safeParse(payload);
  if (!parsed.success) throw new Error('the gateway let us in with a hello that is not of its protocol version 4');
  const { server, auth } = parsed.data;
  const deviceToken = auth.deviceToken === undefined ? undefined : new Secret(auth.deviceToken);
  return { version: server.version, scopes: auth.scopes, bootId: server.bootId, deviceToken };
}

/** The result of a knock that was not let in. */
export type TurnedAway = Exclude<Knock, { kind: 'open' }>;

/** What the refusal of a connect means. A gateway that is still starting is thrown as `NotYet`. */
export function readRefusal(error: GatewayError): TurnedAway {
  if (error.code === 'UNAVAILABLE') {
    throw new NotYet(`the gateway answers, but is still starting (${error.details?.reason ?? error.message})`);
  }
  const code = error.details?.code ?? error.code;
  if (code === 'PAIRING_REQUIRED' && error.details?.requestId) {
    return {
      kind: 'pairing required',
      requestId: error.details.requestId,
      reason: error.details.reason ?? error.message,
    };
  }
  if (code === 'AUTH_TOKEN_MISMATCH' || code === 'AUTH_TOKEN_MISSING') return { kind: 'wrong token' };
  if (code === 'AUTH_RATE_LIMITED') return { kind: 'locked out' };
  return { kind: 'turned away', code, reason: error.message };
}

/** What a connection that was closed before any answer means. Whatever passes by itself is thrown as `NotYet`. */
export function readClose(code: number, reason: string): TurnedAway {
  if (code === 1008 || code === 1002 || code === 1003 || code === 1009) {
    return { kind: 'turned away', code: `close ${code}`, reason: reason || 'the gateway gave no reason' };
  }
  throw new NotYet(`the gateway hung up before it answered (close ${code}${reason ? `: ${reason}` : ''})`);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the gateway sent text that is not JSON');
  }
}
