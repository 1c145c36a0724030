import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Heartbeat } from '../../src/ports/heartbeat.js';

/** A call is a line of a file. */
export class DirectoryHeartbeat implements Heartbeat {
  readonly #file: string;

  constructor(root: string) {
    this.#file = path.join(root, 'heartbeat');
  }

  async beat(): Promise<void> {
    appendFileSync(this.#file, 'called\n');
  }

  /** How often it was called. */
  beats(): number {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n').length - 1 : 0;
  }
}
