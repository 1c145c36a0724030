import fs from 'node:fs';
import path from 'node:path';
import type { AuditEntry, AuditLog } from '../../src/ports/audit-log.js';

/** One file an entry: `audit/<time>-<number>.json`. */
export class DirectoryAudit implements AuditLog {
  readonly #directory: string;

  constructor(root: string) {
    this.#directory = path.join(root, 'audit');
  }

  async append(entry: AuditEntry): Promise<void> {
    fs.mkdirSync(this.#directory, { recursive: true });
    fs.writeFileSync(path.join(this.#directory, `${process.hrtime.bigint()}.json`), JSON.stringify(entry), {
      flag: 'wx',
    });
  }

  /** Everything that was written down, oldest first. */
  entries(): AuditEntry[] {
    if (!fs.existsSync(this.#directory)) return [];
    const names = fs.readdirSync(this.#directory).toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
    return names.map((name) => JSON.parse(fs.readFileSync(path.join(this.#directory, name), 'utf8')) as AuditEntry);
  }
}
