import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { describe, expect, test } from 'vitest';
import { Refused } from '../../../src/domain/errors.js';
import { newRecipient, seal } from '../../../src/domain/keys/seal.js';
import { Secret } from '../../../src/domain/secret.js';

const link = new Secret('http://127.0.0.1:19100/#bootstrapToken=once ✓');

describe('a sealed secret', () => {
  test('opens for its recipient and its purpose, and shows nothing on the way', async () => {
    const recipient = await newRecipient();
    const sealed = await seal(recipient.publicKey, link, 'creel open g42');
    expect(sealed).toMatch(/^[A-Za-z0-9_-]{87}\.[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('once');
    expect((await recipient.open(sealed, 'creel open g42')).reveal()).toBe(link.reveal());
  });

  test('is never the same twice', async () => {
    const { publicKey } = await newRecipient();
    expect(await seal(publicKey, link, 'p')).not.toBe(await seal(publicKey, link, 'p'));
  });

  test('opens for nobody else, for no other purpose, and not when it was changed', async () => {
    const recipient = await newRecipient();
    const other = await newRecipient();
    const sealed = await seal(recipient.publicKey, link, 'creel open g42');
    const [enc = '', text = ''] = sealed.split('.');
    const flipped = Buffer.from(text, 'base64url').map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    await expect(other.open(sealed, 'creel open g42')).rejects.toThrow(Refused);
    await expect(recipient.open(sealed, 'creel open g43')).rejects.toThrow(Refused);
    await expect(
      recipient.open(`${enc}.${Buffer.from(flipped).toString('base64url')}`, 'creel open g42'),
    ).rejects.toThrow(Refused);
    for (const torn of ['', enc, `${enc}.`, `.${text}`])
      await expect(recipient.open(torn, 'creel open g42')).rejects.toThrow(Refused);
  });

  test.each(['', 'short', 'A'.repeat(87)])('is refused for the malformed key %j', async (key) => {
    await expect(seal(key, link, 'p')).rejects.toThrow(Refused);
  });
});

describe('the format, which a command line and a worker of different versions share', () => {
  const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const seed = new Uint8Array(32).fill(7).buffer;
  const golden = {
    publicKey: 'BHOOCgd5I7robQEmamEVXdGFIBuqWJDqkXd2AiQH0K4Snsb_gqVpfZypds301wuAunj6Izm9_xbdBa8lu7Vijfw',
    sealed:
      'BOXX69ebKR8Q0eJNGTW-Ufu09f4YL3Ci58K23X-ZqctHfl3NlAjJqDEysaoD7-ic7Jyg0BXyGvfufxkMHf_x4ME.av6-tc-7JgmUTBcbYAI-p6Kz4dvnqrSSASk',
  };

  /** Opens with the suite alone, by the words of the format: encapsulated key, dot, text; the purpose is the info. */
  async function openByHand(sealed: string, purpose: string): Promise<string> {
    const { privateKey } = await suite.kem.deriveKeyPair(seed);
    const [enc = '', text = ''] = sealed.split('.');
    const info = arrayOf(Buffer.from(purpose));
    const opener = await suite.createRecipientContext({ recipientKey: privateKey, enc: decoded(enc), info });
    return Buffer.from(await opener.open(decoded(text))).toString();
  }

  test('what was sealed before still opens', async () => {
    expect(await openByHand(golden.sealed, 'creel open g42')).toBe('golden ✓');
  });

  test('what is sealed now opens by the suite alone', async () => {
    expect(await openByHand(await seal(golden.publicKey, link, 'creel open g42'), 'creel open g42')).toBe(
      link.reveal(),
    );
  });
});

function decoded(text: string): ArrayBuffer {
  return arrayOf(Buffer.from(text, 'base64url'));
}

function arrayOf(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
