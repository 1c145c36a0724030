import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { provisionSteps } from '../../src/workflows/steps.js';
import { scratchDirectory } from '../scratch.js';
import { sagaProofs, type SagaClass } from './saga-proofs.js';

const source = path.resolve('src/workflows/saga.ts');
const drafts = scratchDirectory('creel-mutants-');

/** Faults put into the saga itself: for each, at least one proof must turn red. */
const mutants: { fault: string; from: string; to: string }[] = [
  { fault: 'swallows an undo failure', from: 'if (failure) failed.set(step, failure);', to: 'void failure;' },
  {
    fault: 'forgets a step whose do failed',
    from: 'this.#remember(step, before, failure.attempt);',
    to: 'this.#entered.delete(step);',
  },
  { fault: 'never settles', from: 'const settles = wait > 0 &&', to: 'const settles = wait > Infinity &&' },
  {
    fault: 'settles without undoing again',
    from: "'settle: a lost attempt may still take effect');\n        failed = await this.#undoAll(undoable);",
    to: "'settle');",
  },
  { fault: 'takes a lost attempt for settled', from: 'attempt === 1 ? 0 :', to: 'attempt !== 2 ? 0 :' },
  {
    fault: 'undoes at the end of a repair',
    from: "return outcome.ok ? this.#finished() : this.#result('stopped', sentence(outcome), []);",
    to: "if (outcome.ok) return this.#finished();\n    await this.#unwind(this.#input.steps);\n    return this.#result('stopped', sentence(outcome), []);",
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

describe('the proofs catch a saga that', () => {
  afterAll(() => fs.rmSync(drafts, { recursive: true }));

  it.concurrent.for(mutants)('$fault', async ({ fault, from, to }) => {
    const Mutant = await mutate(fault, from, to);
    expect(await firstRed(Mutant)).toBeDefined();
  });
});

async function mutate(fault: string, from: string, to: string): Promise<SagaClass> {
  const text = fs.readFileSync(source, 'utf8');
  expect(text.split(from)).toHaveLength(2);
  const file = path.join(drafts, `${fault.replaceAll(' ', '-')}.ts`);
  const mutant = text.replace(from, () => to).replaceAll("from './", `from '${path.dirname(source)}/`);
  fs.writeFileSync(file, mutant);
  const module = (await import(file)) as { Saga: SagaClass };
  return module.Saga;
}

async function firstRed(Mutant: SagaClass): Promise<string | undefined> {
  for (const { title, run } of sagaProofs(provisionSteps, Mutant)) {
    try {
      await run();
    } catch {
      return title;
    }
  }
  return undefined;
}
