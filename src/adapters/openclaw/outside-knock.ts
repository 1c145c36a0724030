import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { NotYet } from '../../domain/errors.js';
import { frameBytes } from '../../domain/thresholds.js';
import type { Credentials, Hello, Knock } from '../../ports/gateway-door.js';
import type { DoorLimits } from './limits.js';
import {
  connectParams,
  firstId,
  readClose,
  readFrame,
  readHello,
  readRefusal,
  requestFrame,
  type Frame,
  type TurnedAway,
} from './protocol.js';
import { OutsideSession, textOf, tooLarge } from './outside-session.js';
import { readTransportError } from './transport-error.js';

/**
 * Knocks once over a dialled stream, which belongs to the session afterwards and is closed when there is none. A wrong
 * token is not tried again. Whatever passes by itself is `NotYet`.
 */
export async function knockOver(
  stream: Duplex,
  as: Credentials,
  headers: Readonly<Record<string, string>>,
  limits: DoorLimits,
  signal: AbortSignal | undefined,
): Promise<Knock> {
  const socket = new WebSocket('ws://127.0.0.1/', {
    headers,
    createConnection: () => stream,
    perMessageDeflate: false,
    maxPayload: frameBytes,
  });
  const heard = await hear(socket, as, limits, signal).catch((error: unknown) => {
    socket.terminate();
    stream.destroy();
    throw error;
  });
  if ('version' in heard) return { kind: 'open', session: new OutsideSession(socket, heard, limits.callMs, signal) };
  socket.terminate();
  return heard;
}

/**
 * Introduces us when the gateway challenges us, and resolves with its answer. Leaves no listener and no timer behind.
 */
function hear(
  socket: WebSocket,
  as: Credentials,
  limits: DoorLimits,
  signal: AbortSignal | undefined,
): Promise<Hello | TurnedAway> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const heard = new Promise<Hello | TurnedAway>((resolve, reject) => {
    const settle = (read: () => Hello | TurnedAway | undefined) => {
      try {
        const word = read();
        if (word) resolve(word);
      } catch (error) {
        reject(error);
      }
    };
    const expect = (what: string, limitMs: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => reject(new NotYet(`the gateway sent ${what} within ${limitMs} ms`)), limitMs);
    };
    abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    expect('no WebSocket handshake', limits.connectMs);
    socket.on('open', () => expect('no answer to a connect', limits.answerMs));
    let aheadMs: number | undefined;
    socket.on('message', (data) =>
      settle(() => {
        const frame = readFrame(textOf(data));
        if (frame.kind === 'challenge') aheadMs = frame.challenge.ts - Date.now();
        const word = reply(socket, frame, as);
        return word && 'version' in word && aheadMs !== undefined ? { ...word, aheadMs } : word;
      }),
    );
    socket.on('unexpected-response', (_asked, response) => settle(() => readStatus(response.statusCode ?? 0)));
    socket.on('close', (code, reason) => settle(() => readClose(code, reason.toString())));
    socket.on('error', (error) => reject(tooLarge(error) ?? readTransportError(error, 'the gateway')));
  });
  return heard.finally(() => {
    clearTimeout(timer);
    if (abort) signal?.removeEventListener('abort', abort);
    socket.removeAllListeners();
    socket.on('error', () => {}); // Its verdict is in: later errors change nothing.
  });
}

/** Replies to one frame; returns the gateway's answer when the frame is that. */
function reply(socket: WebSocket, frame: Frame, as: Credentials): Hello | TurnedAway | undefined {
  if (frame.kind === 'answer') return readHello(frame.payload);
  if (frame.kind === 'refusal') return readRefusal(frame.error);
  if (frame.kind === 'challenge') socket.send(requestFrame(firstId, 'connect', connectParams(as, frame.challenge)));
  return undefined;
}

/**
 * An HTTP answer in place of a WebSocket: 502 to 504 pass by themselves, any other status is a verdict (a proxy's 403,
 * T14).
 */
function readStatus(status: number): TurnedAway {
  if (status >= 502 && status <= 504) throw new NotYet(`the gateway answers ${status} to a WebSocket`);
  return { kind: 'turned away', code: `http ${status}`, reason: 'the gateway answered a WebSocket with plain HTTP' };
}
