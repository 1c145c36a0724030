import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { AuditFile } from '../../src/adapters/files/audit-file.js';
import type { AuditEntry, AuditLog } from '../../src/ports/audit-log.js';
import { DirectoryAudit } from '../world/directory-audit.js';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) fs.rmSync(directory, { recursive: true });
});

function newDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-audit-'));
  directories.push(directory);
  return directory;
}

const entry = (generation: number): AuditEntry => ({
  at: '2026-11-21T08:00:00.000Z',
  who: 'ops@desk',
  gateway: 'g42',
  birth: '7k3fq2',
  generation,
  keyId: '1a2b3c4d',
  what: 'token shown',
});

describe.each([
  ['a directory', openDirectory],
  ['a file of lines', openFile],
])('%s', (_name, open: () => { log: AuditLog; entries: () => AuditEntry[] }) => {
  test('keeps every entry in order, also of two that write at once', async () => {
    const { log, entries } = open();
    await log.append(entry(1));
    await log.append(entry(2));
    await Promise.all([log.append(entry(3)), log.append(entry(4))]);
    expect(entries().slice(0, 2)).toEqual([entry(1), entry(2)]);
    expect(
      entries()
        .map(({ generation }) => generation)
        .toSorted((a, b) => a - b),
    ).toEqual([1, 2, 3, 4]);
  });
});

test('the file is for its owner alone, and so is its directory (S4-9)', async () => {
  const file = path.join(newDirectory(), 'below', 'audit.jsonl');
  await new AuditFile(file).append(entry(1));
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
});

function openDirectory() {
  const log = new DirectoryAudit(newDirectory());
  return { log, entries: () => log.entries() };
}

function openFile() {
  const file = path.join(newDirectory(), 'audit.jsonl');
  const lines = () => fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  return { log: new AuditFile(file), entries: () => lines().map((line) => JSON.parse(line) as AuditEntry) };
}
