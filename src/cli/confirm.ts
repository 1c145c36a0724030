import { createInterface } from 'node:readline/promises';
import { Refused } from '../domain/errors.js';

/**
 * Makes the user type the gateway id again before something irreversible; `said` is the value of `--yes`, if given.
 * `Refused` when it does not match, or when there is no terminal to type into.
 */
export async function confirm(id: string, said: string | undefined, warning: string): Promise<void> {
  const typed = said ?? (await typeId(id, warning));
  if (typed.trim() !== id) throw new Refused(`nothing was done: ${JSON.stringify(typed.trim())} is not ${id}`);
}

/** Has somebody type ids before these gateways, or some of them, are removed; `Refused` where nobody is there. */
export async function typeIds(ids: readonly string[], warning: string): Promise<string> {
  const all = ids.join(',');
  if (!process.stdin.isTTY) throw new Refused(`${warning}. Nobody is here to type their ids: say --prune ${all}`);
  return typeAt(`${warning}: ${all}. Type the ids of those to remove, with commas: `);
}

async function typeId(id: string, warning: string): Promise<string> {
  if (!process.stdin.isTTY) throw new Refused(`${warning}. Nobody is here to type the id: say --yes=${id}`);
  return typeAt(`${warning}. Type the id to go on: `);
}

async function typeAt(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
