import path from 'node:path';
import { secretName } from '../../src/domain/channels.js';
import { Refused } from '../../src/domain/errors.js';
import { Secret } from '../../src/domain/secret.js';
import type { SecretStore } from '../../src/ports/secret-store.js';
import { listNames, readText, replaceFile } from './directory-files.js';

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

  async list(): Promise<string[]> {
    return listNames(this.#directory).toSorted();
  }
}
