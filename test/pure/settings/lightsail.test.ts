import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readLightsail } from '../../../src/settings/lightsail.js';
import { removeScratch, scratchDirectory } from '../../world/scratch.js';

afterEach(removeScratch);

function written(...lines: readonly string[]): string {
  const file = join(scratchDirectory('creel-lightsail-'), 'lightsail.toml');
  const key = ['[[fleet_key]]', 'slot = "a"', 'identity = "id"'];
  writeFileSync(file, ['workers = ["198.51.100.7/32"]', ...key, ...lines].join('\n'));
  return file;
}

const read = (file: string) => readLightsail(file, file, undefined)?.ceiling;

test('a ceiling on machines is how many, what they cost a month, both or neither', () => {
  expect(read(written())).toBeUndefined();
  expect(read(written('[ceiling]', 'machines = 10'))).toEqual({ machines: 10 });
  expect(read(written('[ceiling]', 'monthly_usd = 99.5'))).toEqual({ monthlyUsd: 99.5 });
  expect(read(written('[ceiling]', 'machines = 1', 'monthly_usd = 12'))).toEqual({ machines: 1, monthlyUsd: 12 });
  expect(() => read(written('[ceiling]', 'machines = 0'))).toThrow(/must be more than 0/);
  expect(() => read(written('[ceiling]', 'monthly_usd = "12"'))).toThrow(/must be a number of USD/);
  expect(() => read(written('[ceiling]', 'gateways = 1'))).toThrow(/gateways/);
});

test('what is wrong is said with the file and the place', () => {
  const file = written();
  const key = ['[[fleet_key]]', 'slot = "a"', 'identity = "id"'];
  const refused = (...lines: readonly string[]) => {
    writeFileSync(file, lines.join('\n'));
    return () => read(file);
  };
  expect(refused('workers = ["1.2.3.4"]', ...key)).toThrow(`${file}: workers: network of workers "1.2.3.4" must be`);
  expect(refused(...key)).toThrow(`${file}: workers: no network of workers is named`);
  expect(refused('workers = [1]', ...key)).toThrow(`${file}: workers.0 must be a network in quotes`);
  expect(refused('workers = ["1.2.3.4/32"]', '[[fleet_key]]', 'slot = "a"')).toThrow(
    `${file}: fleet_key.0.identity is missing`,
  );
});
