import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * Stands for a text that is too long to keep: 96 bits of its SHA-256 in 19 letters. Nobody can find another text with a
 * given fingerprint. In pure JavaScript, because workflows have no crypto.
 */
export function fingerprint(text: string): string {
  return BigInt(`0x${bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 12))}`)
    .toString(36)
    .padStart(19, '0');
}

/** The SHA-256 of a text, as 64 hexadecimal digits. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}
