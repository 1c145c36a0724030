import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readGatewayFile } from '../../../src/settings/gateway-file.js';
import { specFrom } from '../../../src/settings/spec.js';
import { refusal } from '../refusal.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'creel-file-'));
  mkdirSync(path.join(home, 'creel'));
  vi.stubEnv('XDG_CONFIG_HOME', home);
  vi.stubEnv('CREEL_TIERS', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

function write(name: string, ...lines: string[]): string {
  const file = path.join(home, name);
  writeFileSync(file, lines.join('\n'));
  return file;
}

describe('a gateway.toml', () => {
  it('says whose it is, and what it leaves out stays out', () => {
    const file = write('gateway.toml', 'id = "g42"', 'release = "2026.9.6"');
    expect(readGatewayFile(file)).toEqual({ id: 'g42', draft: { release: '2026.9.6' } });
    expect(readGatewayFile(file, 'g42').id).toBe('g42');
  });

  it('that is about another gateway than was asked for is refused', () => {
    const file = write('gateway.toml', 'id = "g43"');
    expect(refusal(() => readGatewayFile(file, 'g42'))).toContain('id = "g43", and g42 was asked for');
    expect(refusal(() => readGatewayFile(write('x.toml', 'id = "G43"')))).toContain('"G43" is malformed');
  });

  it('is refused with all its faults at once, each with its line', () => {
    const file = write('g42.toml', 'release = "latest"', 'memory = "1 GB"', 'cpus = 2', 'park_for = "soon"');
    const lines = refusal(() => readGatewayFile(file)).split('\n');
    expect(lines).toEqual([
      expect.stringContaining('g42.toml, line 1: release "latest"'),
      expect.stringContaining('g42.toml, line 2: memory 1024 MB is too little'),
      expect.stringContaining('g42.toml, line 4: park_for "soon"'),
    ]);
  });

  it('tells its faults in the order of its lines, those of form and those of value together', () => {
    const provider = ['[[models]]', 'provider = "anthropic"', 'key = "secret:a"'];
    const file = write(
      'g42.toml',
      'keep_state = "soon"',
      'tier = "none"',
      'cpus = "two"',
      'colour = 1',
      'memory = "1 MB"',
      ...provider,
    );
    expect(refusal(() => readGatewayFile(file)).split('\n')).toEqual([
      expect.stringContaining('line 1: keep_state "soon"'),
      expect.stringContaining('g42.toml: tier "none" is unknown'),
      expect.stringContaining('line 3: cpus must be a number'),
      expect.stringContaining('line 4: unknown colour'),
      expect.stringContaining('line 5: memory 1 MB is too little'),
      expect.stringContaining('line 6: model must name a model'),
    ]);
  });

  it('whose settings hang together is held to them together', () => {
    const provider = ['[[models]]', 'provider = "anthropic"', 'key = "secret:a"'];
    const file = write('g42.toml', 'model = "anthropic/claude-opus-5"', ...provider);
    expect(readGatewayFile(file).draft).toMatchObject({ model: 'anthropic/claude-opus-5' });
    const other = write('g42.toml', 'model = "openai/gpt-5"', ...provider);
    expect(refusal(() => readGatewayFile(other))).toMatch(/^\S+g42\.toml: .*openai/);
  });

  it('that is not there is refused by its name', () => {
    expect(refusal(() => readGatewayFile(path.join(home, 'none.toml')))).toMatch(
      /^\S+none\.toml cannot be read: no such file or directory$/,
    );
  });
});

describe('a tier', () => {
  it('gives memory, processors and disk, and what the file says itself wins (S0-34)', () => {
    write('creel/tiers.toml', '[small]', 'memory = "1.5 GB"', 'cpus = 1', 'disk = "10 GB"', '[wide]', 'cpus = 8');
    const spec = (...lines: string[]) =>
      specFrom(readGatewayFile(write('g42.toml', 'release = "2026.9.6"', ...lines)).draft);
    expect(spec('tier = "small"')).toMatchObject({ memoryMb: 1536, cpus: 1, diskMb: 10_240 });
    expect(spec('tier = "small"', 'disk = "20 GB"')).toMatchObject({ diskMb: 20_480 });
    expect(spec('tier = "wide"')).not.toHaveProperty('diskMb');
    expect(spec('tier = "small"', 'memory = "4 GB"')).toMatchObject({ memoryMb: 4096, cpus: 1 });
    expect(spec('tier = "wide"')).toMatchObject({ memoryMb: 2048, cpus: 8 });
  });

  it('that is unknown is refused with those that there are, or the file in which to write one', () => {
    const file = write('g42.toml', 'tier = "huge"');
    expect(refusal(() => readGatewayFile(file))).toMatch(/tier "huge" is unknown: none is set in .*creel\/tiers\.toml/);
    write('creel/tiers.toml', '[small]', 'cpus = 1', '[large]', 'cpus = 4');
    expect(refusal(() => readGatewayFile(file))).toContain('tiers.toml has small, large');
    vi.stubEnv('CREEL_TIERS', write('mine.toml', '[huge]', 'cpus = 16'));
    expect(readGatewayFile(file).draft).toEqual({ cpus: 16 });
  });

  it.each([
    ['[small]\ncpus = "one"', /small\.cpus must be a number/],
    ['[small]\ndisk = 20', /small\.disk must be a size in quotes/],
    ['[small]\nswap = "20 GB"', /small Unrecognized key: "swap"/],
    ['[huge]\ndisk = "100 MB"', /disk 100 MB is too little: 1 GB at least/],
    ['[small', /tiers\.toml, line 1: this is not TOML/],
    ['[huge]\nmemory = "1 GB"', /memory 1024 MB is too little/],
  ])('that is written as %j is refused', (text, why) => {
    write('creel/tiers.toml', text);
    expect(refusal(() => readGatewayFile(write('g42.toml', 'tier = "huge"')))).toMatch(why);
  });
});
