import { getSystemErrorMap } from 'node:util';
import { Refused } from '../domain/errors.js';

/** That a file cannot be read, and why, naming it once. */
export function notRead(file: string, error: unknown): Refused {
  return new Refused(`${file} cannot be read: ${whyNot(error)}`, { cause: error });
}

/** What the system says of a file operation that failed, without its code, call and path. */
function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = 'errno' in error && typeof error.errno === 'number' && getSystemErrorMap().get(error.errno);
  return known ? known[1] : error.message;
}
