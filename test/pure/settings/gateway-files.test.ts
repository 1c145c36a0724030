import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readGatewayFiles } from '../../../src/settings/gateway-files.js';
import { refusal } from '../refusal.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'creel-files-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const release = 'release = "2026.9.6"';

function write(name: string, ...lines: string[]): string {
  const file = path.join(home, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, lines.join('\n'));
  return file;
}

const idsAt = (...paths: string[]) => readGatewayFiles(paths).map(({ gateway }) => gateway);

describe('the files of gateways', () => {
  it('are one gateway each, by the name of the file or the id in it', () => {
    expect(idsAt(write('anna.toml', release))).toEqual(['anna']);
    expect(idsAt(write('gateway.toml', 'id = "berta"', release))).toEqual(['berta']);
    expect(idsAt(write('Customer 7.toml', 'id = "c7"', release))).toEqual(['c7']);
    expect(idsAt(write('dora.toml', 'id = "dora"', release))).toEqual(['dora']);
  });

  it('of a directory are those that end in .toml, in order, each once', () => {
    write('all/b.toml', release);
    const a = write('all/a.toml', release);
    for (const other of ['all/.a.toml', 'all/notes.txt', 'all/more/c.toml']) write(other, 'not TOML');
    expect(idsAt(path.join(home, 'all'), a)).toEqual(['a', 'b']);
  });

  it('are the whole gateway: what they leave out is the default', () => {
    expect(readGatewayFiles([write('g42.toml', release)])[0]?.spec).toMatchObject({ memoryMb: 2048, channels: [] });
  });

  it.each([
    ['g42.toml', ['id = "g43"', release], 'id = "g43", and its name says g42. Call it g43.toml, or leave the id out'],
    ['gateway.toml', [release], 'gateway.toml is the name of no gateway: say it in it'],
    ['G42.toml', [release], '"G42" cannot be the id of a gateway'],
    ['g42.toml', ['cpus = 2'], 'release is missing: name one version. For example: release = "2026.9.6"'],
  ])('%s that says %j is refused', (name, lines, why) => {
    expect(refusal(() => readGatewayFiles([write(name, ...lines)]))).toContain(why);
  });

  it('are refused with every fault of every file, and two of one gateway', () => {
    write('all/a.toml', release, 'memory = "1 GB"', 'cpus = 0');
    write('all/b.toml', 'cpus = 0', 'release = 7');
    write('all/e.toml', 'id = "f"', 'cpus = 0');
    write('all/c.toml', release, 'cpus = ');
    write('all/d.toml', release);
    const [one, two] = [write('x/same.toml', release), write('y/same.toml', release)];
    const missing = path.join(home, 'none.toml');
    mkdirSync(path.join(home, 'empty'));
    const all = [path.join(home, 'all'), one, two, missing, path.join(home, 'empty')];
    expect(refusal(() => readGatewayFiles(all)).split('\n')).toEqual([
      expect.stringMatching(/empty has no file that ends in \.toml/),
      expect.stringMatching(/a\.toml, line 2: memory 1024 MB/),
      expect.stringMatching(/a\.toml, line 3: spec cpus is 0/),
      expect.stringMatching(/b\.toml, line 1: spec cpus is 0/),
      expect.stringMatching(/b\.toml, line 2: release must be a version/),
      expect.stringMatching(/c\.toml, line 2, column \d+: this is not TOML/),
      expect.stringMatching(/e\.toml, line 2: spec cpus is 0/),
      expect.stringMatching(/e\.toml: it says id = "f", and its name says e/),
      expect.stringMatching(/e\.toml: release is missing/),
      expect.stringMatching(/none\.toml cannot be read/),
      expect.stringMatching(/y\/same\.toml: gateway same is in .*x\/same\.toml as well/),
    ]);
  });
});
