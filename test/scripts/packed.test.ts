import fs from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack } from '../ground/installation.js';
import { scratchDirectory } from '../world/scratch.js';

/** Both bundlers say in a comment above each file which they took it from. */
const taken =
  /^\s*(?:\/\/(?:#region)?|!\*\*\*) \S*?\/?node_modules\/((?:\S+\/node_modules\/)?(?:@[^/\s]+\/)?[^/\s]+)/gm;

const scratch = scratchDirectory('creel-licences-');
let tarball: string;
beforeAll(async () => {
  tarball = await pack(scratch);
}, 900_000); // It waits for whoever builds on this machine.
afterAll(() => fs.rmSync(scratch, { recursive: true }));

async function file(name: string): Promise<string> {
  return (await execa('tar', ['-xzOf', tarball, `package/${name}`], { maxBuffer: 2 ** 30 })).stdout;
}

/** The packages of which a file of the tarball has code, as directories below node_modules. */
async function packagesInside(): Promise<string[]> {
  const { stdout } = await execa('tar', ['-tzf', tarball]);
  const programs = stdout.split('\n').filter((name) => /^package\/lib\/.*\.js$/.test(name));
  const found = new Set<string>();
  for (const name of programs)
    for (const [, at = ''] of (await file(name.replace('package/', ''))).matchAll(taken)) found.add(at);
  return [...found];
}

describe('the tarball that people install', () => {
  it('carries the licence, with its text, of each package whose code is in it, and of no other', async () => {
    const inside = await packagesInside();
    expect(inside).toEqual(expect.arrayContaining(['@temporalio/workflow', '@temporalio/worker', 'zod', 'ws']));
    const entries = (await file('lib/THIRD-PARTY')).split(/\n\n={80}\n\n/).slice(1);
    const told = new Map(entries.map((entry) => [entry.split('\n')[0], entry]));
    for (const at of inside) {
      const { name, version, license } = JSON.parse(fs.readFileSync(`node_modules/${at}/package.json`, 'utf8'));
      expect(told.get(`${name} ${version}`), at).toMatch(
        /^\S+ \S+\n\nLicence: \S+[^]*(permission|conditions|terms|public domain)/i,
      );
      expect(told.get(`${name} ${version}`)).toContain(`Licence: ${license ?? 'as its text says'}\n`);
    }
    const named = entries.map((entry) => entry.split(' ')[0]);
    expect(
      named.filter((name) => /^(vitest|oxlint|typescript|webpack|playwright-core|execa)$/.test(name ?? '')),
    ).toEqual([]);
  });
});
