import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import config from '../../../vitest.config.js';
import { removeScratch, scratchDirectory } from '../../world/scratch.js';

test('what a file of tests makes to work in goes with it, whatever lies in it by then', () => {
  const made = ['creel-one-', 'creel-two-'].map(scratchDirectory);
  for (const each of made) fs.mkdirSync(path.join(each, 'deep'));
  fs.rmSync(made[0] ?? '', { recursive: true });
  removeScratch();
  expect(made.filter((each) => fs.existsSync(each))).toEqual([]);
  expect(config.test?.setupFiles).toEqual(['test/ground/after-file.ts']);
  expect(fs.readFileSync('test/ground/after-file.ts', 'utf8')).toContain('afterAll(removeScratch)');
});
