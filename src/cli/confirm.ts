import { createInterface } from 'node:readline/promises';
import { Refused } from '../domain/errors.js';

/**
 * Has the gateway id typed once more before something that cannot be taken back; `said` is what `--yes` gave instead.
 * `Refused` when it is another word, or when nobody is there to type.
 */
export async function confirm(id: string, said: string | undefined, warning: string): Promise<void> {
  const typed = said ?? (await typeId(id, warning));
  if (typed.trim() !== id) throw new Refused(`nothing was done: ${JSON.stringify(typed.trim())} is not ${id}`);
}

async function typeId(id: string, warning: string): Promise<string> {
  if (!process.stdin.isTTY) throw new Refused(`${warning}. Nobody is here to type the id: say --yes=${id}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(`${warning}. Type the id to go on: `);
  } finally {
    terminal.close();
  }
}
