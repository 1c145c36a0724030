import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isObject, parseObject, type Json } from '../json.js';
import type { OwnKeys } from '../models/config.js';

/** Where the state keeps the keys to which its gateway goes back, sealed: who lives in the state must not read a key that was taken away. */
export const previousKeysFile = '.creel-former-keys.json';

/** Where it keeps the tokens of its channels likewise. */
export const previousTokensFile = '.creel-former-tokens.json';

/** What was in force before an operation of this number: the text of the file of keys, and keys in the config itself. */
export type PreviousKeys = { readonly operation: number; readonly file: string; readonly own: OwnKeys };

const nonceBytes = 12;
const tagBytes = 16;

/** The text of that file. */
export function sealPreviousKeys(key: Buffer, { operation, file, own }: PreviousKeys): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(bound(operation));
  const text = Buffer.concat([cipher.update(JSON.stringify({ file, own }), 'utf8'), cipher.final()]);
  const sealed = Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
  return `${JSON.stringify({ layout: 1, operation, sealed })}\n`;
}

/** What an operation of this number kept; undefined where it kept nothing, or the text does not open. */
export function openPreviousKeys(key: Buffer, operation: number, text: string | undefined): PreviousKeys | undefined {
  const { layout, operation: number, sealed } = parseObject(text) ?? {};
  if (layout !== 1 || number !== operation || typeof sealed !== 'string') return undefined;
  const all = Buffer.from(sealed, 'base64');
  const [nonce, tag] = [all.subarray(0, nonceBytes), all.subarray(nonceBytes, nonceBytes + tagBytes)];
  if (tag.length < tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(bound(operation)).setAuthTag(tag);
  try {
    const rest = decipher.update(all.subarray(nonceBytes + tagBytes));
    return readPlain(operation, Buffer.concat([rest, decipher.final()]).toString('utf8'));
  } catch {
    return undefined; // The only possible failure: the tag does not match.
  }
}

function readPlain(operation: number, text: string): PreviousKeys | undefined {
  const { file, own }: { file?: Json; own?: Json } = parseObject(text) ?? {};
  return typeof file === 'string' && isObject(own) ? { operation, file, own } : undefined;
}

function bound(operation: number): Buffer {
  return Buffer.from(`creel former keys layout 1\0${operation}`);
}
