import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/settings/config.js';
import { createKey, openKey } from '../../../src/settings/key-file.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'creel-config-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof Error && error.name === 'Refused') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('config', () => {
  test('an empty environment gives a whole configuration', () => {
    expect(readConfig({ HOME: home })).toEqual({
      keyFile: join(home, '.local/share/creel/master.key'),
      secretsFile: join(home, '.local/share/creel/secrets'),
      auditFile: join(home, '.local/state/creel/audit.jsonl'),
      catalogue: [],
      engineSocket: '/var/run/docker.sock',
      hosts: [],
      localOffer: {},
      ceiling: undefined,
      egress: { direct: [] },
      allowed: [],
      putsFence: false,
      pool: { cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 },
      pager: undefined,
      heartbeat: undefined,
      exports: { directory: join(home, '.local/state/creel/exports'), keep: 30 },
      metricsAt: undefined,
      logLevel: 'info',
      slots: { activities: 60, waits: 2_000, workflowTasks: 10, cachedWorkflows: 100 },
    });
  });

  test('XDG directories are taken when absolute, an empty variable counts as unset', () => {
    expect(readConfig({ HOME: home, XDG_DATA_HOME: '/data', CREEL_KEY_FILE: '' }).keyFile).toBe(
      '/data/creel/master.key',
    );
    expect(readConfig({ HOME: home, XDG_DATA_HOME: 'data' }).keyFile).toBe(join(home, '.local/share/creel/master.key'));
  });

  test('every wrong setting is named at once, whatever reads it', () => {
    const catalogue = join(home, 'catalogue.toml');
    writeFileSync(catalogue, '[[release]]\nversion = "latest"\nimage = "x"\n');
    const message = refusal(() =>
      readConfig({
        HOME: home,
        DOCKER_HOST: 'tcp://engine:2375',
        CREEL_CATALOGUE: catalogue,
        CREEL_SUBNET_POOL: '10.213.0.1/16',
        CREEL_FIRST_PORT: '80',
        CREEL_PAGER_SECRET: secret,
        CREEL_METRICS: 'yes',
        CREEL_LOG_LEVEL: 'loud',
        CREEL_ACTIVITIES: '1e9',
        CREEL_WORKFLOW_TASKS: '1',
        CREEL_WORKFLOW_CACHE: '-1',
      }),
    );
    for (const name of [
      'DOCKER_HOST: "tcp://engine:2375"',
      'CREEL_CATALOGUE: release "latest"',
      'CREEL_SUBNET_POOL',
      'CREEL_FIRST_PORT',
      'CREEL_PAGER_URL',
      'CREEL_METRICS',
      'CREEL_LOG_LEVEL',
      'CREEL_ACTIVITIES',
      'CREEL_WORKFLOW_TASKS',
      'CREEL_WORKFLOW_CACHE',
    ]) {
      expect(message).toContain(`\n  ${name}`);
    }
    expect(message).not.toContain(secret);
  });

  test("the pager's secret is wrapped, gone from the environment, and in no message", () => {
    const env = { HOME: home, CREEL_PAGER_URL: 'https://pager.example/hook', CREEL_PAGER_SECRET: secret };
    const config = readConfig(env);
    expect(config.pager?.secret.reveal()).toBe(secret);
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain(secret);
    expect(env).not.toHaveProperty('CREEL_PAGER_SECRET');
    const bad = { HOME: home, CREEL_PAGER_URL: 'https://pager.example/hook', CREEL_PAGER_SECRET: 'hunter2' };
    expect(refusal(() => readConfig(bad))).not.toContain('hunter2');
    expect(bad).not.toHaveProperty('CREEL_PAGER_SECRET');
  });

  test.each(['127.0.0.1:9464', '0.0.0.0:1', '[::1]:65535'])('metrics may be read at %s', (at) => {
    expect(readConfig({ HOME: home, CREEL_METRICS: at }).metricsAt).toBe(at);
  });

  test.each([
    'localhost:9464',
    '127.0.0.1',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '::1:9464',
    '1.2.3:9464',
    '[1.2.3.4]:9464',
  ])('metrics cannot be served at %s, which is said before anything begins', (at) => {
    expect(refusal(() => readConfig({ HOME: home, CREEL_METRICS: at }))).toMatch(
      /CREEL_METRICS: must be an IP address and a port/,
    );
  });

  test('a remote engine is refused with the reason; a local one is taken from either variable', () => {
    expect(refusal(() => readConfig({ HOME: home, CREEL_DOCKER: 'ssh://host' }))).toMatch(
      /CREEL_DOCKER: must be unix:\/\/.*loopback/,
    );
    expect(readConfig({ HOME: home, DOCKER_HOST: 'unix:///run/other.sock' }).engineSocket).toBe('/run/other.sock');
    expect(
      readConfig({ HOME: home, DOCKER_HOST: 'tcp://engine:2375', CREEL_DOCKER: 'unix:///run/mine.sock' }).engineSocket,
    ).toBe('/run/mine.sock');
  });

  test('a catalogue takes digests, dev images only when they say so, and no version twice (S0-21)', () => {
    const catalogue = join(home, 'catalogue.toml');
    const env = { HOME: home, CREEL_CATALOGUE: catalogue };
    const digest = `registry.example/openclaw@sha256:${'a'.repeat(64)}`;
    writeFileSync(catalogue, `[[release]]\nversion = "2026.9.6"\nimage = "${digest}"\n`);
    expect(readConfig({ ...env }).catalogue).toEqual([{ version: '2026.9.6', image: digest, dev: false }]);
    writeFileSync(catalogue, '[[release]]\nversion = "2026.9.6"\nimage = "openclaw:2026.9.6"\n');
    expect(refusal(() => readConfig({ ...env }))).toContain('is not pinned');
    writeFileSync(catalogue, '[[release]]\nversion = "2026.9.6"\nimage = "sha256:1"\ndev = true\n'.repeat(2));
    expect(refusal(() => readConfig({ ...env }))).toContain('two lines');
    writeFileSync(catalogue, '[[release]]\nversoin = "2026.9.6"\n');
    expect(refusal(() => readConfig({ ...env }))).toContain('versoin');
    writeFileSync(catalogue, '[[release');
    expect(refusal(() => readConfig({ ...env }))).toContain('is not TOML');
    rmSync(catalogue);
    expect(refusal(() => readConfig({ ...env }))).toContain('cannot be read');
  });
});

describe('the key file', () => {
  test('is made once, for its owner alone, and opens to the same key', () => {
    const file = join(home, 'data/creel/master.key');
    expect(createKey(file)).toBe(true);
    const text = readFileSync(file, 'utf8');
    const key = openKey(file);
    expect(createKey(file)).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(openKey(file)).toEqual(key);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'data/creel')).mode & 0o777).toBe(0o700);
  });

  test('missing, too open, short or malformed is one clear sentence each, without the key in it', () => {
    const file = join(home, 'master.key');
    expect(refusal(() => openKey(file))).toContain('creel init');
    expect(refusal(() => openKey(home))).toContain('is not a file');
    createKey(file);
    chmodSync(file, 0o640);
    expect(refusal(() => openKey(file))).toContain('mode 640');
    chmodSync(file, 0o600);
    writeFileSync(file, 'abc123\n');
    expect(refusal(() => openKey(file))).toMatch(/malformed.*7 bytes/);
    expect(refusal(() => openKey(file))).not.toContain('abc123');
    writeFileSync(file, `${'g'.repeat(64)}\n`);
    expect(refusal(() => openKey(file))).toContain('malformed');
  });
});
