import { z } from 'zod';

/**
 * Runs in the container, where none of our code is: connects over loopback with the parameters given on standard input,
 * makes the calls one after the other, and prints one JSON line. Of the protocol it only knows how to answer the
 * challenge.
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

/** What the script reads on standard input: frames as text, written by the protocol module. */
export type VisitInput = {
  readonly port: number;
  readonly limitMs: number;
  readonly connect: string;
  readonly calls: readonly string[];
};

/** What the script prints: the answers it got, as text, and how it ended unless it got them all. */
export const visitReport = z.object({
  frames: z.array(z.string()),
  error: z.string().optional(),
  close: z.number().optional(),
  reason: z.string().optional(),
});

export type VisitReport = z.infer<typeof visitReport>;

/** Where egress is tried: at the model provider that most gateways need. */
export const egressHost = 'api.anthropic.com';

/** How long the look at it may take (ms): a reading waits for it. */
export const egressMs = 1_200;

/** Asked with a host, a port and a limit in milliseconds: prints one JSON line, `{ ok }`, or `{ reason }` in one word. */
export const egressScript = `
import { connect } from 'node:net';
const [host, port, limitMs] = process.argv.slice(1);
const say = (said) => process.stdout.write(JSON.stringify(said) + '\\n', () => process.exit(0));
setTimeout(() => say({ ok: false, reason: 'no answer within ' + limitMs / 1000 + ' s' }), Number(limitMs));
const socket = connect({ host, port: Number(port) });
socket.on('connect', () => say({ ok: true, reason: '' }));
socket.on('error', (error) => say({ ok: false, reason: String(error.code ?? error.name) }));
`;

export const egressReport = z.object({ ok: z.boolean(), reason: z.string() });
