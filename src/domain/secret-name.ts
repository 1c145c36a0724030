import { Refused } from './errors.js';

const form = /^secret:[a-z0-9][a-z0-9._-]{0,62}$/;

/** The name of a stored secret, or `Refused`. */
export function secretName(raw: unknown): string {
  if (typeof raw === 'string' && form.test(`secret:${raw}`)) return raw;
  throw new Refused(
    `secret name ${JSON.stringify(raw)} is malformed: 1 to 63 of a-z, 0-9, ".", "_" and "-". For example: g42-telegram`,
  );
}

/** Whether this is a reference to a stored secret (`secret:NAME`), and so not the secret itself. */
export function isReference(raw: unknown): raw is string {
  return typeof raw === 'string' && form.test(raw);
}
