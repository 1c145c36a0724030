import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { launchMarker, launchScript } from '../../../src/domain/hosts/launch-script.js';

const fence = { pool: '10.213.0.0/16', exceptions: [] };
const script = launchScript({ machine: 'oc-g42-7k3fq2', fence });

test('the launch script is this one', async () => {
  await expect(script).toMatchFileSnapshot('launch-script.golden.txt');
});

test('it is POSIX sh, also behind the lines that Lightsail puts before it', () => {
  const behind = `#!/bin/sh\nset +e\necho "preamble of the provider"\n${script}`;
  for (const input of [script, behind]) execFileSync('sh', ['-n'], { input });
  const checker = spawnSync('shellcheck', ['--shell=sh', '-'], { input: behind, encoding: 'utf8' });
  if (checker.error) return; // Not every machine has it.
  expect(checker.stdout).toBe('');
});

test('it fits into what Lightsail takes, and says nothing but the machine’s name', () => {
  expect(Buffer.byteLength(script)).toBeLessThan(16_384);
  expect(launchScript({ machine: 'another', fence })).toBe(script.replaceAll('oc-g42-7k3fq2', 'another'));
});

test('it makes the engine another one before it says that the machine is prepared, and keeps containers alive', () => {
  const place = (text: string) => script.lastIndexOf(text);
  expect(script).toContain('"live-restore": true');
  expect(place('rm -f /etc/docker/key.json /var/lib/docker/engine-id')).toBeGreaterThan(0);
  expect(place('mv "$marker.new" "$marker"')).toBeGreaterThan(place('/var/lib/docker/engine-id'));
  expect(script).toContain(`marker=${launchMarker}`);
});
