import { readFileSync, statSync } from 'node:fs';
import ssh2 from 'ssh2'; // A CommonJS module: Node finds none of its names.
import { Refused } from '../../domain/errors.js';

/** The public half of a private key's file, as `authorized_keys` has it; `Refused` as the private half would be. */
export function readPublicHalf(file: string): string {
  const parsed = ssh2.utils.parseKey(readIdentity(file));
  if (parsed instanceof Error) throw new Refused(`${file} is no private key that SSH knows: ${parsed.message}`);
  return `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`;
}

/**
 * Reads the private key that opens a host. `Refused` with what is wrong with the file: missing, too open, no key, or
 * one with a passphrase, for which a worker has nobody to ask.
 */
export function readIdentity(file: string): Buffer {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile())
    throw new Refused(`there is no key at ${file}. \`ssh-keygen -t ed25519 -N '' -f ${file}\` makes one`);
  if ((found.mode & 0o077) !== 0) throw new Refused(`the key ${file} can be read by others: \`chmod 600 ${file}\``);
  const content = readFileSync(file);
  const parsed = ssh2.utils.parseKey(content);
  if (!(parsed instanceof Error)) return content;
  if (/passphrase|encrypted/i.test(parsed.message))
    throw new Refused(`the key ${file} has a passphrase, and a worker has nobody to ask: give it one without`);
  throw new Refused(`${file} is no private key that SSH knows: ${parsed.message}`);
}
