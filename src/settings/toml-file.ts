import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { notRead } from './not-read.js';

/** The file that a setting names, or else the usual one, which need not be there. */
export type SettingsFile = { readonly named: string | undefined; readonly usual: string };

/** What a settings file in TOML says, where the usual one that is missing says nothing; `Refused` with what is wrong in it. */
export function readTomlFile<T>(form: z.ZodType<T>, { named, usual }: SettingsFile): T {
  const file = named ?? usual;
  const parsed = form.safeParse(tomlOf(file, named === undefined), { error: saidOf });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim());
  throw new Refused(`${file}: ${faults.join('; ')}`);
}

/** Says of a refusal in which file, and where in it, the words are that it refuses. */
export function saidAt<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) throw new Refused(`${where}: ${error.message}`);
    throw error;
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list, or tables in [[double brackets]]',
  object: 'a table',
};

/** What is wrong with a value of which its form says nothing itself; undefined: as the parser says it. */
function saidOf({ code, input, expected }: { code: string; input?: unknown; expected?: unknown }): string | undefined {
  if (code !== 'invalid_type') return undefined;
  if (input === undefined) return 'is missing';
  return typeof expected === 'string' && kinds[expected] ? `must be ${kinds[expected]}` : undefined;
}

function tomlOf(file: string, mayBeMissing: boolean): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof TomlError) throw new Refused(`${file}, line ${error.line}: this is not TOML`);
    if (mayBeMissing && error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw notRead(file, error);
  }
}
