import { z } from 'zod';

/**
 * What runs in the container, where none of our code is: it connects over loopback with the parameters it is given on standard
 * input, makes the calls one after the other and prints one JSON line. It knows no protocol beyond "answer the challenge".
 */
export const visitScript = `
import WebSocket from '/app/node_modules/ws/wrapper.mjs';
const frames = [];
let reported = false;
function report(end) {
  if (reported) return;
  reported = true;
  process.stdout.write(JSON.stringify({ frames, ...end }) + '\\n', () => process.exit(0));
}
process.on('uncaughtException', (error) => report({ error: String(error.code ?? error.name) }));
process.stdin.setEncoding('utf8');
let input = '';
for await (const chunk of process.stdin) input += chunk;
const { port, limitMs, connect, calls } = JSON.parse(input);
setTimeout(() => report({ error: 'ETIMEDOUT' }), limitMs);
const socket = new WebSocket('ws://127.0.0.1:' + port + '/', { perMessageDeflate: false });
socket.on('error', (error) => report({ error: String(error.code ?? error.message) }));
socket.on('close', (code, reason) => report({ close: code, reason: String(reason) }));
socket.on('message', (data) => {
  const frame = JSON.parse(String(data));
  if (frame.event === 'connect.challenge') socket.send(connect);
  if (frame.type !== 'res') return;
  if (frames.length === 0 && frame.ok) {
    const { type, protocol, server, auth } = frame.payload;
    frame.payload = { type, protocol, server, auth };
  }
  frames.push(JSON.stringify(frame));
  const next = frames[0] && JSON.parse(frames[0]).ok ? calls[frames.length - 1] : undefined;
  if (next === undefined) report({});
  else socket.send(next);
});
`;

/** What the script is told on standard input: frames as text, written by the protocol module. */
export type VisitInput = {
  readonly port: number;
  readonly limitMs: number;
  readonly connect: string;
  readonly calls: readonly string[];
};

/** What the script prints: the answers it got, as text, and how it ended when that was not by having them all. */
export const visitReport = z.object({
  frames: z.array(z.string()),
  error: z.string().optional(),
  close: z.number().optional(),
  reason: z.string().optional(),
});

export type VisitReport = z.infer<typeof visitReport>;

/** Where egress is tried: the model provider most gateways need. */
export const egressHost = 'api.anthropic.com';

/** Prints one JSON line within 1.2 s: `{ ok }`, or `{ reason }` in a word. */
export const egressScript = `
import { connect } from 'node:net';
const say = (said) => process.stdout.write(JSON.stringify(said) + '\\n', () => process.exit(0));
setTimeout(() => say({ ok: false, reason: 'no answer within 1.2 s' }), 1200);
const socket = connect({ host: '${egressHost}', port: 443 });
socket.on('connect', () => say({ ok: true, reason: '' }));
socket.on('error', (error) => say({ ok: false, reason: String(error.code ?? error.name) }));
`;

export const egressReport = z.object({ ok: z.boolean(), reason: z.string() });
