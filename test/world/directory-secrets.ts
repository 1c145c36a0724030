import { createHash } from 'node:crypto';
import path from 'node:path';
import { secretName } from '../../src/domain/secret-name.js';
import { Refused } from '../../src/domain/errors.js';
import { Secret } from '../../src/domain/secret.js';
import type { SecretStore } from '../../src/ports/secret-store.js';
import { createFile, listNames, readText, removeFile, replaceFile } from './directory-files.js';

/** A secret is a file. */
export class DirectorySecrets implements SecretStore {
  readonly #directory: string;

  constructor(root: string) {
    this.#directory = path.join(root, 'secrets');
  }

  async read(name: string): Promise<Secret> {
    const value = readText(path.join(this.#directory, name));
    if (value === undefined)
      throw new Refused(`no secret named ${name} is stored. Store it with \`creel secret set ${name}\``);
    return new Secret(value);
  }

  async write(name: string, value: Secret): Promise<void> {
    replaceFile(path.join(this.#directory, secretName(name)), value.reveal());
  }

  async versionOf(name: string): Promise<string | undefined> {
    const value = readText(path.join(this.#directory, name));
    return value === undefined
      ? undefined
      : createHash('sha256').update(`${name}\0${value}`).digest('hex').slice(0, 12);
  }

  async remove(name: string): Promise<boolean> {
    return removeFile(path.join(this.#directory, secretName(name)));
  }

  async claim(value: Secret, owner: string, insteadOf?: string): Promise<string | undefined> {
    const mark = createHash('sha256').update(value.reveal()).digest('hex');
    const file = path.join(this.#directory, '..', 'claims', mark);
    if (createFile(file, owner)) return undefined;
    const holder = readText(file);
    if (holder !== owner && holder !== insteadOf) return holder;
    replaceFile(file, owner);
    return undefined;
  }

  async list(): Promise<string[]> {
    return listNames(this.#directory).toSorted();
  }
}
