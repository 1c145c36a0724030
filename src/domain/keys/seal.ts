import type { webcrypto } from 'node:crypto';
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { Refused } from '../errors.js';
import { Secret } from '../secret.js';

/**
 * RFC 9180: P-256, HKDF-SHA256, AES-256-GCM. A history holds only what nobody can open once the one-time key is gone.
 */
const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** Who may see one secret once: a new key pair whose private half never leaves the process. */
export type Recipient = {
  /** base64url; may be sent and recorded. */
  readonly publicKey: string;
  /** What was sealed to this key for exactly this purpose. Anything else is `Refused`. */
  readonly open: (sealed: string, purpose: string) => Promise<Secret>;
};

/** Makes a one-time recipient. */
export async function newRecipient(): Promise<Recipient> {
  const keys = await suite.kem.generateKeyPair();
  const publicKey = Buffer.from(await suite.kem.serializePublicKey(keys.publicKey)).toString('base64url');
  return { publicKey, open: (sealed, purpose) => open(keys.privateKey, sealed, purpose) };
}

/** Seals a secret so that only the recipient can open it, and only for this purpose. A malformed key is `Refused`. */
export async function seal(publicKey: string, secret: Secret, purpose: string): Promise<string> {
  const recipientPublicKey = await readPublicKey(publicKey);
  const sender = await suite.createSenderContext({ recipientPublicKey, info: bytes(purpose) });
  const text = await sender.seal(bytes(secret.reveal()));
  return [sender.enc, text].map((part) => Buffer.from(part).toString('base64url')).join('.');
}

async function open(privateKey: webcrypto.CryptoKey, sealed: string, purpose: string): Promise<Secret> {
  const [enc = '', text = ''] = sealed.split('.').map((part) => new Uint8Array(Buffer.from(part, 'base64url')).buffer);
  try {
    if (typeof enc === 'string' || typeof text === 'string') throw new Error('a part is missing');
    const recipient = await suite.createRecipientContext({ recipientKey: privateKey, enc, info: bytes(purpose) });
    return new Secret(Buffer.from(await recipient.open(text)).toString('utf8'));
  } catch (error) {
    throw new Refused('the sealed answer does not open: it was made for another key or another purpose. Ask again', {
      cause: error,
    });
  }
}

async function readPublicKey(publicKey: string): Promise<webcrypto.CryptoKey> {
  try {
    return await suite.kem.deserializePublicKey(new Uint8Array(Buffer.from(publicKey, 'base64url')).buffer);
  } catch (error) {
    throw new Refused('the recipient key is malformed: a one-time public key of this command was expected', {
      cause: error,
    });
  }
}

function bytes(text: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(text)).buffer;
}
