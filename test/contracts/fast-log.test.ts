import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HeldLog } from '../../src/activities/looks/held-log.js';
import { LogReaders } from '../../src/activities/looks/log-readers.js';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { logBehindMs, logPieceBytes, logReadersMost } from '../../src/domain/thresholds.js';
import { FastSource } from '../ground/engines/fast-source.js';
import type { Piece } from '../ground/engines/slow-reader-main.js';

let source: FastSource;
beforeEach(async () => {
  source = await FastSource.open();
});
afterEach(() => source.close());

/** A worker's flags (package.json), and a reader that asks for 32 KB after each pause. */
function startReader(pauseMs: number, times: number) {
  const flags = ['--max-old-space-size=192', '--max-semi-space-size=8'];
  const args = [...flags, 'dist/test/ground/engines/slow-reader-main.js', source.socketPath, `${pauseMs}`, `${times}`];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Whether the source, which would write all the time, has written nothing for a second within this time. */
async function comesToRest(withinMs: number): Promise<boolean> {
  const until = Date.now() + withinMs;
  for (let written = -1; Date.now() < until;) {
    if (source.seen.written === written) return true;
    written = source.seen.written;
    await sleep(1_000);
  }
  return false;
}

test('S4-43: a gateway that writes 50 MB/s takes no more of a worker than a ring, however slowly it is read, and what is lost is counted', async () => {
  const pauseMs = logBehindMs + 2_000; // Some 3 KB/s.
  const reader = startReader(pauseMs, 3);
  const pieces: Piece[] = [];
  const stills: boolean[] = [];
  for await (const line of createInterface(reader.stdout)) {
    pieces.push(JSON.parse(line) as Piece);
    if (pieces.length === 3) continue;
    stills.push(await comesToRest(pauseMs - 2_000));
  }
  expect(stills).toEqual([true, true]); // While nobody asks the source waits.
  for (const [index, piece] of pieces.entries()) {
    expect(piece.bytes).toBeLessThanOrEqual(logPieceBytes);
    const before = pieces[index - 1];
    if (before) expect(piece.first).toBe(before.last + piece.lost + 1); // Not one more or less.
  }
  const [begun, , ended] = pieces;
  expect(ended?.lost).toBeGreaterThan(1_000);
  const grown = (ended?.highestBytes ?? Infinity) - (begun?.highestBytes ?? 0);
  expect(grown).toBeLessThan(60e6);
}, 90_000);

test('S4-43: the source of a reader that has gone is closed, and so is one too many', async () => {
  const engine = new DockerodeEngine({ socketPath: source.socketPath, signal: () => undefined });
  const readers = new LogReaders(5_000);
  for (let each = 0; each < logReadersMost + 2; each += 1)
    readers.keep(`reader ${each}`, HeldLog.open(engine, 'c', { follow: true }));
  await expect.poll(() => source.seen.readers, { timeout: 4_000 }).toBe(logReadersMost);
  await expect.poll(() => source.seen.readers, { timeout: 10_000 }).toBe(0);
  expect(readers.take('reader 5', undefined)).toBeUndefined();
}, 60_000);
