import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { gatewayId } from '../../../src/domain/gateway/gateway.js';
import { readGatewayFile } from '../../../src/settings/gateway-file.js';
import { specFrom } from '../../../src/settings/spec.js';

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.toml'))
  .toSorted();
const specs = files.filter((name) => path.basename(name) !== 'tiers.toml');

beforeEach(() => {
  vi.stubEnv('CREEL_TIERS', 'examples/ten-customers/tiers.toml');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('an example', () => {
  test.each(specs)('is a gateway as it stands, and as a release that was built here: %s', (name) => {
    const whose = gatewayId(path.basename(name, '.toml'));
    const { draft } = readGatewayFile(path.join('examples', name), whose);
    expect(specFrom(draft)).toMatchObject({ release: '2026.9.6', dev: false });
    expect(readFileSync(path.join('examples', name), 'utf8')).toMatch(/^# dev = true( .*)?$/m);
  });
});

test('each directory of examples is in their README, and each file that it names is there', () => {
  const readme = readFileSync('examples/README.md', 'utf8');
  const directories = readdirSync('examples', { withFileTypes: true }).filter((each) => each.isDirectory());
  const linked = [...readme.matchAll(/\]\(([^)/]+)\/?([^)]*)\)/g)].map(([, directory = '']) => directory);
  expect(linked.toSorted()).toEqual(directories.map(({ name }) => name).toSorted());
  for (const [, file = ''] of readme.matchAll(/(?:-f |CREEL_TIERS=)(examples\/\S+?)[ `]/g))
    expect([...files, 'ten-customers/customers'].map((each) => `examples/${each}`)).toContain(file);
});
