import { createHash, createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto';
import { Refused } from '../errors.js';
import type { Mark } from '../gateway/gateway.js';
import { Secret } from '../secret.js';

/** The key from which every token and every device of a deployment is derived (layout 1: HKDF-SHA256, 32 bytes). */
export type MasterKey = { readonly id: string; readonly bytes: Buffer };

/** A key from the 64 hex digits of its file, or `Refused`. Its id is public: a hash that gives nothing away. */
export function masterKey(text: string): MasterKey {
  const hex = text.trim();
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new Refused('the master key is malformed: it must be 64 hexadecimal digits, as `creel init` writes it');
  }
  const bytes = Buffer.from(hex, 'hex');
  return { id: derive(bytes, ['key id'], 4).toString('hex'), bytes };
}

/** What a namespace remembers of its key, so that a worker with another key can be refused. */
export function keyCheck(key: MasterKey, deployment: string): string {
  return derive(key.bytes, ['check', deployment], 16).toString('hex');
}

/** The gateway token of one generation: the same on every worker, after every restart. 256 bits, base64url. */
export function gatewayToken(key: MasterKey, mark: Mark, generation: number): Secret {
  return new Secret(deriveFor(key, mark, 'token', generation).toString('base64url'));
}

/** What seals, in a gateway's state, the keys that it goes back to. */
export function previousKeysKey(key: MasterKey, mark: Mark): Buffer {
  return derive(key.bytes, ['former keys', mark.deployment, mark.gateway, mark.birth], 32);
}

/** creel's own operator device for one gateway. */
export type Device = {
  readonly id: string;
  /** Raw public key, base64url, as the gateway's protocol wants it. */
  readonly publicKey: string;
  /** Ed25519 over UTF-8 text, base64url. */
  readonly sign: (text: string) => string;
};

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The operator device of one generation, derived like the token, with a counter of its own. */
export function operatorDevice(key: MasterKey, mark: Mark, generation: number): Device {
  return deviceFrom(deriveFor(key, mark, 'device', generation));
}

/** A device from the 32 bytes of its Ed25519 private key. Its id is the SHA-256 of the raw public key. */
export function deviceFrom(seed: Buffer): Device {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const { x: publicKey = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const raw = Buffer.from(publicKey, 'base64url');
  return {
    id: createHash('sha256').update(raw).digest('hex'),
    publicKey,
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
  };
}

/** The key that the file of customers' secrets is encrypted with. */
export function secretStoreKey(key: MasterKey, deployment: string): Buffer {
  return derive(key.bytes, ['secret store', deployment], 32);
}

function deriveFor(key: MasterKey, mark: Mark, purpose: string, generation: number): Buffer {
  return derive(key.bytes, [mark.deployment, mark.gateway, mark.birth, purpose, String(generation)], 32);
}

/** The parts are joined with NUL, which none of them can contain, so that no two lists give the same info. */
function derive(key: Buffer, parts: readonly string[], length: number): Buffer {
  const info = ['creel layout 1', ...parts].join('\0');
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), info, length));
}
