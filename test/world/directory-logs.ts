import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine } from '../../src/domain/gateway/log.js';
import type { LogWish } from '../../src/ports/docker-engine.js';
import { readText } from './directory-files.js';

/** How often a log that is followed is looked at. */
const paceMs = 20;

let written = 0;

/** A container says something, each line with its moment in front, as an engine keeps it. */
export function writeLog(root: string, id: string, said: readonly string[]): void {
  const file = fileOf(root, id);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const lines = said.flatMap((text) => text.split('\n'));
  fs.appendFileSync(file, lines.map((line) => `${moment()} ${line}\n`).join(''));
}

/** Everything that a container said. */
export function readLog(root: string, id: string): LogLine[] {
  const lines = (readText(fileOf(root, id)) ?? '').split('\n').slice(0, -1);
  return lines.map((line) => {
    const space = line.indexOf(' ');
    return { at: line.slice(0, space), stream: 'stdout', text: line.slice(space + 1) };
  });
}

/** What a container said, and, when followed, says while it runs. */
export async function* followLog(
  root: string,
  id: string,
  { tail, since = '', follow }: LogWish,
  over: AbortSignal,
  runs: () => boolean,
): AsyncGenerator<readonly LogLine[]> {
  const all = readLog(root, id);
  let known = tail === undefined ? 0 : Math.max(0, all.length - tail);
  for (let looks = 0; !over.aborted; looks += 1) {
    if (looks > 0 && !runs()) return; // What was said since the last look is missed, as an engine may.
    const lines = readLog(root, id);
    yield lines.slice(known).filter(({ at }) => at >= since);
    known = lines.length;
    if (!follow) return;
    await sleep(paceMs);
  }
}

function moment(): string {
  written += 1;
  return new Date().toISOString().replace('Z', `${String(written % 1_000_000).padStart(6, '0')}Z`);
}

function fileOf(root: string, id: string): string {
  return path.join(root, 'logs', encodeURIComponent(id));
}
