import { mintLinkMs, sendersMs } from '../../domain/thresholds.js';

/** How long each part of a visit at a gateway's door may take, in milliseconds. */
export type DoorLimits = {
  /** From the dialled stream to the WebSocket or the HTTP answer. */
  readonly connectMs: number;
  /** From there to the gateway's answer to the connect. */
  readonly answerMs: number;
  /** One request of a session. */
  readonly callMs: number;
  /** One visit inside: the exec, the connect and every call of it. */
  readonly insideMs: number;
  /** One visit to the book of chat senders. */
  readonly sendersMs: number;
  /** `openclaw dashboard`. */
  readonly linkMs: number;
};

export const doorLimits: DoorLimits = {
  connectMs: 5_000,
  answerMs: 10_000,
  callMs: 30_000,
  insideMs: 30_000,
  sendersMs,
  linkMs: mintLinkMs,
};
