import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { scratchDirectory } from '../world/scratch.js';
import type { Saga } from '../../src/workflows/saga/saga.js';
import { outsideProofs } from './proofs/outside-proofs.js';
import { sagaProofs, type Proof } from './proofs/saga-proofs.js';

const source = path.resolve('src/workflows/saga/saga.ts');
const drafts = scratchDirectory('creel-mutants-');

/** Faults put into the saga itself: for each, at least one proof must turn red. */
const mutants: { fault: string; from: string; to: string }[] = [
  { fault: 'swallows an undo failure', from: 'if (failure) failed.set(step, failure);', to: 'void failure;' },
  {
    fault: 'forgets a step whose do failed',
    from: 'this.#remember(step, before, failure.attempt);',
    to: 'this.#entered.delete(step);',
  },
  { fault: 'never settles', from: 'if (!isOut && wait <= 0) return', to: 'return' },
  {
    fault: 'settles without undoing again',
    from: 'await this.#settle(wait);\n    failed = await this.#undoAll(undoable);',
    to: 'await this.#settle(wait);',
  },
  { fault: 'takes a lost attempt for settled', from: 'attempt === 1 ? 0 :', to: 'attempt !== 2 ? 0 :' },
  {
    fault: 'undoes at the end of a repair',
    from: "outcome);\n    return this.#result('stopped', sentence(outcome), []);",
    to: "outcome);\n    await this.#unwind(this.#input.steps);\n    return this.#result('stopped', sentence(outcome), []);",
  },
  {
    fault: 'names no step in its error',
    from: '`${outcome.step}: ${outcome.failure.message}`',
    to: 'outcome.failure.message',
  },
  {
    fault: 'stops at the first failing undo',
    from: 'if (failure) failed.set(step, failure);',
    to: 'if (failure) {\n        failed.set(step, failure);\n        break;\n      }',
  },
  { fault: 'pages nobody', from: 'this.#runtime.page(`undo', to: 'void (`undo' },
  { fault: 'forgets what it could not undo', from: 'if (!left.some((each) => each.step === step)) ', to: '' },
];

/** Faults in what a change, its way back and whoever waits for an operator do: for each, a proof of what comes from outside turns red. */
const outsideMutants: { fault: string; from: string; to: string }[] = [
  {
    fault: 'takes a way back that a removal cut short for one that is done',
    from: "    if (cut) return this.#result('stopped', `${sentence(outcome)}; ${cutShort}`, []);\n",
    to: '',
  },
  {
    fault: 'takes an operation that only goes back for done when a removal cut it short',
    from: "    if (cut) return this.#result('stopped', cutShort, []);\n",
    to: '',
  },
  {
    fault: 'parks in the middle of a change',
    from: 'return !this.#changing || this.#row',
    to: 'return true || this.#row',
  },
  { fault: 'asks nobody in a change', from: '|| this.#row(step)?.asks === true', to: '' },
  {
    fault: 'forgets what an operator let pass',
    from: "if (answer === 'allow') this.#allowed.push(failure.message);",
    to: '',
  },
  {
    fault: 'takes an undo for done when it is asked for again',
    from: "if (!again) return 'undone';",
    to: "if (again ?? true) return 'undone';",
  },
  {
    fault: 'leaves an undo at the first park',
    from: 'if (!this.#triesAgain(answer)) return {',
    to: "if (answer !== 'leave' || true) return {",
  },
  { fault: 'knows no deadline', from: 'this.#runtime.within(limitMs, read)', to: 'read()' },
  {
    fault: 'does not look at a gateway whose change came to nothing',
    from: 'if (left.length === 0 && looks !== false) await this.#lookAgain();',
    to: '',
  },
  {
    fault: 'tells nobody that a provision failed',
    from: 'const byPerson = this.#aborted ||',
    to: 'const byPerson = true ||',
  },
  { fault: 'tells a person what he did himself', from: 'const byPerson = this.#aborted ||', to: 'const byPerson =' },
  { fault: 'unwinds oldest first', from: 'this.#row(step)?.undo).toReversed();', to: 'this.#row(step)?.undo);' },
];

describe('the proofs catch a saga that', () => {
  afterAll(() => fs.rmSync(drafts, { recursive: true }));

  it.concurrent.for(mutants)('$fault', async ({ fault, from, to }) => {
    const Mutant = await mutate(fault, from, to);
    expect(await firstRed(sagaProofs(provisionSteps, Mutant))).toBeDefined();
  });

  it.concurrent.for(outsideMutants)('$fault', async ({ fault, from, to }) => {
    const Mutant = await mutate(fault, from, to);
    expect(await firstRed(outsideProofs(Mutant))).toBeDefined();
  });
});

async function mutate(fault: string, from: string, to: string): Promise<typeof Saga> {
  const text = fs.readFileSync(source, 'utf8');
  expect(text.split(from)).toHaveLength(2);
  const file = path.join(drafts, `${fault.replaceAll(' ', '-')}.ts`);
  const mutant = text
    .replace(from, () => to)
    .replaceAll("from './", `from '${path.dirname(source)}/`)
    .replaceAll("from '../", `from '${path.dirname(path.dirname(source))}/`);
  fs.writeFileSync(file, mutant);
  const module = (await import(file)) as { Saga: typeof Saga };
  return module.Saga;
}

async function firstRed(proofs: readonly Proof[]): Promise<string | undefined> {
  for (const { title, run } of proofs) {
    try {
      await run();
    } catch {
      return title;
    }
  }
  return undefined;
}
