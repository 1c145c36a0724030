import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AuditEntry, AuditLog } from '../../ports/audit-log.js';
import { makePrivateDirectory, syncDirectory } from './directory-sync.js';

/** One JSON line an entry, in a file of the worker's own (0600) that is only ever appended to. */
export class AuditFile implements AuditLog {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async append(entry: AuditEntry): Promise<void> {
    makePrivateDirectory(dirname(this.#file));
    const isNew = !existsSync(this.#file);
    const handle = await open(this.#file, 'a', 0o600);
    try {
      await handle.appendFile(`${JSON.stringify(entry)}\n`);
      await handle.sync();
      if (isNew) syncDirectory(dirname(this.#file));
    } finally {
      await handle.close();
    }
  }
}
