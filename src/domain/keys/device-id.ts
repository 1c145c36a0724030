import { createHash } from 'node:crypto';
import { isDeviceId } from '../devices/device.js';
import { Refused } from '../errors.js';

/**
 * A device's id, given as such, or as the raw Ed25519 public key (base64url) of which it is the SHA-256; or `Refused`.
 */
export function deviceIdOf(raw: string): string {
  if (isDeviceId(raw)) return raw;
  if (/^[A-Za-z0-9_-]{43}$/.test(raw)) return createHash('sha256').update(Buffer.from(raw, 'base64url')).digest('hex');
  throw new Refused(
    `device ${JSON.stringify(raw)} is malformed: 64 hexadecimal digits (its id), the first 8 or more of them, or 43 characters of base64url (its public key), as \`creel devices\` shows them`,
  );
}
