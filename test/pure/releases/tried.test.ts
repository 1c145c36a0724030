import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTried, noteTried } from '../../../src/releases/tried.js';
import { scratchDirectory } from '../../world/scratch.js';

let root: string;
let sbom: string;
beforeEach(() => {
  root = scratchDirectory('creel-tried-');
  sbom = `${root}/sbom.cdx.json`;
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const [one, other] = ['sha256:1', 'sha256:2'];

test('an image was tried when that very image was, whatever is on record, and what was seen of it is known', () => {
  expect(findTried(sbom, { image: one, upgrade: false })).toBeUndefined();
  const tried = { image: one, upgrade: true, reloadsToken: true };
  noteTried(sbom, tried);
  expect(findTried(sbom, { image: one, upgrade: true })).toEqual(tried);
  expect(findTried(sbom, { image: one, upgrade: false })).toEqual(tried);
  expect(findTried(sbom, { image: other, upgrade: false })).toBeUndefined();
  noteTried(sbom, { image: other, upgrade: true, reloadsToken: false });
  expect(findTried(sbom, { image: one, upgrade: true })).toBeUndefined();
  expect(findTried(sbom, { image: other, upgrade: true })).toMatchObject({ reloadsToken: false });
});

test('an image that was tried on a new gateway alone is tried by an upgrade where one is asked for', () => {
  noteTried(sbom, { image: one, upgrade: false, reloadsToken: false });
  expect(findTried(sbom, { image: one, upgrade: false })).toBeDefined();
  expect(findTried(sbom, { image: one, upgrade: true })).toBeUndefined();
});

test('a note that says nothing, or not whether a token is taken, counts as none', () => {
  for (const said of ['', '{', '{"image":1}', JSON.stringify({ image: one, upgrade: true })]) {
    fs.writeFileSync(`${root}/tried.json`, said);
    expect(findTried(sbom, { image: one, upgrade: false })).toBeUndefined();
  }
});
