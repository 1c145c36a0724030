import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noteTried, wasTried } from '../../../src/releases/tried.js';
import { scratchDirectory } from '../../world/scratch.js';

let root: string;
let sbom: string;
beforeEach(() => {
  root = scratchDirectory('creel-tried-');
  sbom = `${root}/sbom.cdx.json`;
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const [one, other] = ['sha256:1', 'sha256:2'];

test('an image was tried when that very image was, whatever is on record', () => {
  expect(wasTried(sbom, { image: one, upgrade: false })).toBe(false);
  noteTried(sbom, { image: one, upgrade: true });
  expect(wasTried(sbom, { image: one, upgrade: true })).toBe(true);
  expect(wasTried(sbom, { image: one, upgrade: false })).toBe(true);
  expect(wasTried(sbom, { image: other, upgrade: false })).toBe(false);
  noteTried(sbom, { image: other, upgrade: true });
  expect(wasTried(sbom, { image: one, upgrade: true })).toBe(false);
});

test('an image that was tried on a new gateway alone is tried by an upgrade where one is asked for', () => {
  noteTried(sbom, { image: one, upgrade: false });
  expect(wasTried(sbom, { image: one, upgrade: false })).toBe(true);
  expect(wasTried(sbom, { image: one, upgrade: true })).toBe(false);
});

test('a note that says nothing counts as none', () => {
  for (const said of ['', '{', '{"image":1}']) {
    fs.writeFileSync(`${root}/tried.json`, said);
    expect(wasTried(sbom, { image: one, upgrade: false })).toBe(false);
  }
});
