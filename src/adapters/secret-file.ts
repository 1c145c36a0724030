import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { secretName } from '../domain/channels.js';
import { Refused } from '../domain/errors.js';
import { Secret } from '../domain/secret.js';
import type { SecretStore } from '../ports/secret-store.js';
import { withLock } from './file-lock.js';

/** Layout 1: each value apart under AES-256-GCM as base64 of nonce, tag and text, its name bound in; `check` opens with the right key. */
const fileShape = z.object({
  layout: z.literal(1),
  check: z.string(),
  secrets: z.record(z.string(), z.string()),
});

type Content = z.infer<typeof fileShape>;

const checkText = 'creel';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Customers' secrets in one encrypted file, 0600 in a directory of 0700. It is read anew for every question, so that a worker
 * sees what `creel secret set` stores; it is replaced whole; writers of this machine take turns. No file is an empty store.
 */
export class SecretFile implements SecretStore {
  readonly #file: string;
  readonly #key: Buffer;

  private constructor(file: string, key: Buffer) {
    this.#file = file;
    this.#key = key;
  }

  /** Opens the store. A file that is damaged, or was written with another key, is `Refused`. */
  static open(file: string, key: Buffer): SecretFile {
    const store = new SecretFile(file, key);
    store.#content();
    return store;
  }

  async read(name: string): Promise<Secret> {
    const secrets = this.#content().secrets;
    const sealed = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (sealed === undefined)
      throw new Refused(`no secret named ${name} is stored. Store it with \`creel secret set ${name}\``);
    const value = unsealed(this.#key, `secret ${name}`, sealed);
    if (value === undefined) {
      throw new Refused(`secret ${name} in ${this.#file} is damaged. Store it again with \`creel secret set ${name}\``);
    }
    return new Secret(value);
  }

  async write(name: string, value: Secret): Promise<void> {
    secretName(name);
    mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    await withLock(`${this.#file}.lock`, () => {
      const { check, secrets } = this.#content();
      const sealed = seal(this.#key, `secret ${name}`, value.reveal());
      this.#replace({ layout: 1, check, secrets: { ...secrets, [name]: sealed } });
    });
  }

  async list(): Promise<string[]> {
    return Object.keys(this.#content().secrets).toSorted();
  }

  #content(): Content {
    const text = readIfThere(this.#file);
    if (text === undefined) return { layout: 1, check: seal(this.#key, 'check', checkText), secrets: {} };
    const parsed = fileShape.safeParse(parse(text));
    if (!parsed.success) {
      throw new Refused(
        `the secrets in ${this.#file} are damaged, or of a newer creel. Restore the file from your backup, or use that creel`,
      );
    }
    if (unsealed(this.#key, 'check', parsed.data.check) !== checkText) {
      throw new Refused(
        `the secrets in ${this.#file} were stored with another master key, or for another deployment. Bring that key back, or move the file away and store each secret again with \`creel secret set\``,
      );
    }
    return parsed.data;
  }

  /** The draft has a fixed name, which only the holder of the lock uses, so that a crash leaves one draft at most. */
  #replace(content: Content): void {
    const draft = `${this.#file}.draft`;
    const handle = openSync(draft, 'w', 0o600);
    try {
      writeFileSync(handle, `${JSON.stringify(content, undefined, 2)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, this.#file);
    const directory = openSync(path.dirname(this.#file), 'r');
    fsyncSync(directory);
    closeSync(directory);
  }
}

/** What a value is for is bound in, so that no sealed value can stand in another's place. */
function bound(purpose: string): Buffer {
  return Buffer.from(`creel secret file layout 1\0${purpose}`);
}

function seal(key: Buffer, purpose: string, value: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(bound(purpose));
  const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
}

/** The value, or undefined when it does not open under this key and for this purpose. */
function unsealed(key: Buffer, purpose: string, sealed: string): string | undefined {
  const all = Buffer.from(sealed, 'base64');
  const tagEnd = nonceBytes + tagBytes;
  if (all.length < tagEnd) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, all.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(bound(purpose)).setAuthTag(all.subarray(nonceBytes, tagEnd));
  try {
    return Buffer.concat([decipher.update(all.subarray(tagEnd)), decipher.final()]).toString('utf8');
  } catch {
    return undefined; // The only failure there is: the tag does not fit.
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The shape is refused right after.
  }
}
