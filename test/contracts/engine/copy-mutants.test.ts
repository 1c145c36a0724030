import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { scratchDirectory } from '../../world/scratch.js';
import type { DirectoryEngine } from '../../world/directory-engine.js';
import { copies } from './copy-contract.js';
import { directoryEngineUnderTest } from './directory-engine-under-test.js';
import { Scene } from '../../ground/engines/engine-under-test.js';

const [meeting, pieces, engine] = [
  'src/domain/changes/copying.ts',
  'test/world/directory-copies.ts',
  'test/world/directory-engine.ts',
];
const drafts = scratchDirectory('creel-copy-mutants-');

const lastBytes = '    ...entriesOf(saved).map((entry) => () => copyEntry(saved, state, entry)),\n';
const wholeMark = '    () => mark(state, whole),\n';

/** Faults put into a copy: for each, at least one promise of the contract must turn red. */
const mutants: { fault: string; file: string; from: string; to: string }[] = [
  {
    fault: 'says that a state is whole before its last byte',
    file: pieces,
    from: lastBytes + wholeMark,
    to: wholeMark + lastBytes,
  },
  {
    fault: 'does not say that a state is torn before its first byte',
    file: pieces,
    from: '    () => mark(state, torn),\n',
    to: '',
  },
  {
    fault: 'joins a copier that goes the other way',
    file: meeting,
    from: 'if (same && found.sameCommand)',
    to: 'if (found.labels[wayLabel] !== undefined)',
  },
  {
    fault: 'joins a copier of another number',
    file: meeting,
    from: 'if (same && found.sameCommand)',
    to: 'if (found.labels[wayLabel] === way)',
  },
  {
    fault: 'does not end what runs when a state is to be put back',
    file: meeting,
    from: "useless || way === 'restore'",
    to: 'useless',
  },
  {
    fault: 'ends a copy to make a save',
    file: meeting,
    from: "way === 'restore' ? 'end' : 'wait'",
    to: "true ? 'end' : 'wait'",
  },
  {
    fault: 'saves a torn state',
    file: pieces,
    from: '?.includes(\'"whole":false\')) return tornState',
    to: "?.includes('never')) return tornState",
  },
  {
    fault: 'takes half of what was to be saved for the whole',
    file: pieces,
    from: "path.join(shelf, 'partial')",
    to: "path.join(shelf, 'state')",
  },
  {
    fault: 'copies beside whoever has the name of the gateway',
    file: engine,
    from: "if (fs.existsSync(this.#at('containers', gateway)))",
    to: "if (fs.existsSync(this.#at('nothing', gateway)))",
  },
];

describe('the contract of copies catches an engine that', () => {
  afterAll(() => fs.rmSync(drafts, { recursive: true }));

  it('none, when it is right', async () => {
    expect(await firstRed(await mutate('none', engine, '', ''))).toBeUndefined();
  });

  it.for(mutants)('$fault', async ({ fault, file, from, to }) => {
    expect(await firstRed(await mutate(fault, file, from, to))).toBeDefined();
  });
});

/** The directory engine with a fault in one of the files that make a copy. */
async function mutate(fault: string, file: string, from: string, to: string): Promise<typeof DirectoryEngine> {
  const directory = path.join(drafts, fault.replaceAll(' ', '-'));
  fs.mkdirSync(directory);
  const mutated = from === '' ? read(file) : faulty(file, from, to);
  if (file !== engine) fs.writeFileSync(path.join(directory, path.basename(file)), mutated);
  const own = file === engine ? mutated : read(engine);
  const beside = path.join(directory, path.basename(file, '.ts'));
  const linked =
    file === engine
      ? own
      : own.replace(`${path.resolve(path.dirname(file), path.basename(file, '.ts'))}.js`, `${beside}.ts`);
  fs.writeFileSync(path.join(directory, 'directory-engine.ts'), linked);
  const module = (await import(path.join(directory, 'directory-engine.ts'))) as {
    DirectoryEngine: typeof DirectoryEngine;
  };
  return module.DirectoryEngine;
}

function faulty(file: string, from: string, to: string): string {
  const text = read(file);
  expect(text.split(from)).toHaveLength(2);
  return text.replace(from, () => to);
}

/** The text of a file, with what it imports named from the root. */
function read(file: string): string {
  const from = path.dirname(path.resolve(file));
  return fs
    .readFileSync(file, 'utf8')
    .replaceAll(/from '(\.[^']*)'/g, (_, name: string) => `from '${path.resolve(from, name)}'`);
}

async function firstRed(Engine: typeof DirectoryEngine): Promise<string | undefined> {
  const world = directoryEngineUnderTest(scratchDirectory('creel-copy-mutant-'), Engine);
  const proofs: { title: string; run: () => Promise<void> }[] = [];
  const scenes = (name: string) => new Scene(world, `${name}-${randomBytes(2).toString('hex')}`);
  copies(scenes, (title, run) => proofs.push({ title, run }));
  for (const { title, run } of proofs) {
    try {
      await ended(run());
    } catch {
      return title;
    }
  }
  return undefined;
}

/** A promise that is not kept by then is broken: nothing of a directory takes that long. */
const limitMs = 5_000;

async function ended(run: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = sleep(limitMs, undefined, { signal: over.signal }).then(() => {
    throw new Error('it does not end');
  });
  try {
    await Promise.race([run, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}
