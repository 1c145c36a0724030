import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { secretName } from '../../domain/secret-name.js';
import { Refused } from '../../domain/errors.js';
import { Secret } from '../../domain/secret.js';
import type { SecretStore } from '../../ports/secret-store.js';
import { makePrivateDirectory, syncDirectory } from './directory-sync.js';
import { withLock } from './file-lock.js';

/**
 * Layout 1: each value is encrypted by itself with AES-256-GCM, as base64 of nonce, tag and text, with its name bound
 * in. `check` opens with the right key, which `keyId`, if present, names.
 */
const fileShape = z.object({
  layout: z.literal(1),
  keyId: z.string().optional(),
  check: z.string(),
  secrets: z.record(z.string(), z.string()),
  /** For whom each value is used, by a keyed hash. An older creel drops this, and it is noted anew. */
  claims: z.record(z.string(), z.string()).optional(),
});

type Content = z.infer<typeof fileShape>;

/** A key that can encrypt the file, and the id of the master key it comes from. */
export type StoreKey = { readonly id: string; readonly bytes: Buffer };

/** The most claims kept, newest last: ten thousand gateways with three channels each. */
const claimsMost = 30_000;

const checkText = 'creel';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Customers' secrets in one encrypted file, 0600 in a directory of 0700. It is read anew for every question, so that a
 * worker sees what `creel secret set` stores; it is replaced as a whole; writers on one machine take turns. No file
 * means an empty store. It is encrypted with the key it names; a new file with the newest one here.
 */
export class SecretFile implements SecretStore {
  readonly #file: string;
  readonly #keys: () => readonly StoreKey[];

  private constructor(file: string, keys: () => readonly StoreKey[]) {
    this.#file = file;
    this.#keys = keys;
  }

  /**
   * Opens the store; `keys` returns the keys that are here now, newest first. A file that is damaged, or that none of
   * them opens, is `Refused`.
   */
  static open(file: string, keys: () => readonly StoreKey[]): SecretFile {
    const store = new SecretFile(file, keys);
    store.#content();
    return store;
  }

  async read(name: string): Promise<Secret> {
    const [{ secrets }, key] = this.#content();
    const sealed = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (sealed === undefined)
      throw new Refused(`no secret named ${name} is stored. Store it with \`creel secret set ${name}\``);
    return new Secret(this.#opened(key, name, sealed));
  }

  async write(name: string, value: Secret): Promise<void> {
    secretName(name);
    makePrivateDirectory(path.dirname(this.#file));
    await withLock(`${this.#file}.lock`, () => {
      const [content, key] = this.#content();
      const sealed = seal(key.bytes, `secret ${name}`, value.reveal());
      this.#replace({ ...content, secrets: { ...content.secrets, [name]: sealed } });
    });
  }

  /** By the sealed text, whose nonce no other has. */
  async versionOf(name: string): Promise<string | undefined> {
    const [{ secrets }] = this.#content();
    const sealed = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    return sealed === undefined ? undefined : createHash('sha256').update(sealed).digest('hex').slice(0, 12);
  }

  async remove(name: string): Promise<boolean> {
    if (!existsSync(this.#file)) return false;
    return withLock(`${this.#file}.lock`, () => {
      const [content] = this.#content();
      if (!Object.hasOwn(content.secrets, name)) return false;
      const kept = Object.entries(content.secrets).filter(([each]) => each !== name);
      this.#replace({ ...content, secrets: Object.fromEntries(kept) });
      return true;
    });
  }

  async claim(value: Secret, owner: string, insteadOf?: string): Promise<string | undefined> {
    makePrivateDirectory(path.dirname(this.#file));
    return withLock(`${this.#file}.lock`, () => {
      const [content, key] = this.#content();
      const mark = createHmac('sha256', key.bytes).update(`creel claim\0${value.reveal()}`).digest('hex').slice(0, 32);
      const holder = content.claims?.[mark];
      if (holder === owner) return undefined;
      if (holder !== undefined && holder !== insteadOf) return holder;
      const kept = Object.entries(content.claims ?? {}).filter(([each]) => each !== mark);
      const claims = Object.fromEntries([...kept.slice(1 - claimsMost), [mark, owner]]);
      this.#replace({ ...content, claims });
      return undefined;
    });
  }

  async list(): Promise<string[]> {
    return Object.keys(this.#content()[0].secrets).toSorted();
  }

  /**
   * Encrypts every value with the newest key, all at once. Returns how many; none when that was done before, or nothing
   * is stored.
   */
  async rekey(): Promise<number> {
    if (!existsSync(this.#file)) return 0;
    return withLock(`${this.#file}.lock`, () => {
      const [{ secrets }, before] = this.#content();
      const newest = this.#newest();
      if (before.id === newest.id) return 0;
      const entries = Object.entries(secrets);
      const again = entries.map(([name, sealed]): [string, string] => [
        name,
        seal(newest.bytes, `secret ${name}`, this.#opened(before, name, sealed)),
      ]);
      this.#replace({ ...emptyFor(newest), secrets: Object.fromEntries(again) });
      return entries.length;
    });
  }

  #opened(key: StoreKey, name: string, sealed: string): string {
    const value = unsealed(key.bytes, `secret ${name}`, sealed);
    if (value !== undefined) return value;
    throw new Refused(`secret ${name} in ${this.#file} is damaged. Store it again with \`creel secret set ${name}\``);
  }

  #newest(): StoreKey {
    const [newest] = this.#keys();
    if (newest) return newest;
    throw new Refused('there is no master key here');
  }

  /** The content of the file, and the key that opens it. */
  #content(): [Content, StoreKey] {
    const text = readIfThere(this.#file);
    if (text === undefined) return [emptyFor(this.#newest()), this.#newest()];
    const parsed = fileShape.safeParse(parse(text));
    if (!parsed.success) {
      throw new Refused(
        `the secrets in ${this.#file} are damaged, or of a newer creel. Restore the file from your backup, or use that creel`,
      );
    }
    const { check, keyId } = parsed.data;
    const key = this.#keys().find(
      ({ id, bytes }) => (keyId ?? id) === id && unsealed(bytes, 'check', check) === checkText,
    );
    if (key) return [parsed.data, key];
    const which = keyId === undefined ? '' : ` (${keyId})`;
    throw new Refused(
      `the secrets in ${this.#file} were stored with another master key${which}, or for another deployment. Bring that key back, or move the file away and store each secret again with \`creel secret set\``,
    );
  }

  /** The draft has a fixed name, used only under the lock, so that a crash leaves one draft at most. */
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
    syncDirectory(path.dirname(this.#file));
  }
}

function emptyFor({ id, bytes }: StoreKey): Content {
  return { layout: 1, keyId: id, check: seal(bytes, 'check', checkText), secrets: {} };
}

/** Binds in what a value is for, so that no sealed value can stand in for another. */
function bound(purpose: string): Buffer {
  return Buffer.from(`creel secret file layout 1\0${purpose}`);
}

function seal(key: Buffer, purpose: string, value: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(bound(purpose));
  const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
}

/** The value; undefined when it does not open under this key and for this purpose. */
function unsealed(key: Buffer, purpose: string, sealed: string): string | undefined {
  const all = Buffer.from(sealed, 'base64');
  const tagEnd = nonceBytes + tagBytes;
  if (all.length < tagEnd) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, all.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(bound(purpose)).setAuthTag(all.subarray(nonceBytes, tagEnd));
  try {
    return Buffer.concat([decipher.update(all.subarray(tagEnd)), decipher.final()]).toString('utf8');
  } catch {
    return undefined; // The only possible failure: the tag does not match.
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
    return undefined; // The form is refused right after.
  }
}
