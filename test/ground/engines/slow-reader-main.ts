import { setTimeout as sleep } from 'node:timers/promises';
import { HeldLog } from '../../../src/activities/looks/held-log.js';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';

/** What a slow reader's piece was, and the most that the process had held until then. */
export type Piece = {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  readonly lost: number;
  readonly highestBytes: number;
};

/**
 * The main of a process that reads a log as a worker does, for a reader who asks every so many milliseconds: `node main.js SOCKET
 * PAUSE TIMES`. It tells every piece, one JSON a line.
 */
const [socketPath = '', pauseMs = '', times = ''] = process.argv.slice(2);
const engine = new DockerodeEngine({ socketPath, signal: () => undefined });
const log = HeldLog.open(engine, 'c', { follow: true });
const numberOf = (text = '') => Number(text.split(' ')[0]);
let highestBytes = 0;
setInterval(() => (highestBytes = Math.max(highestBytes, process.memoryUsage.rss())), 20).unref();
for (let each = 0; each < Number(times); each += 1) {
  if (each > 0) await sleep(Number(pauseMs));
  const { lines, lost } = await log.next(10_000, undefined, (line) => line);
  const bytes = lines.reduce((sum, { text }) => sum + text.length, 0);
  const piece: Piece = {
    first: numberOf(lines[0]?.text),
    last: numberOf(lines.at(-1)?.text),
    bytes,
    lost,
    highestBytes,
  };
  process.stdout.write(`${JSON.stringify(piece)}\n`);
}
log.close();
