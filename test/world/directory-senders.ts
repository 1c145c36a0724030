import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { SenderBook } from '../../src/domain/channels/paired-senders.js';
import type { SenderDeed } from '../../src/ports/gateway-door.js';
import { listNames, readRecord, replaceFile } from './directory-files.js';

const admitted = z.object({ channel: z.string(), account: z.string(), id: z.string() });
const waiting = admitted.extend({ name: z.string(), code: z.string(), askedAtMs: z.number() });

const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const codeMs = 3_600_000;

/**
 * The book of a gateway's chat senders, in the state and so with it:
 *
 *     waiting/<sender>.json     who was told a code
 *     admitted/<sender>.json    whom one let in
 */
export class DirectorySenders {
  readonly #root: string;
  readonly #now: () => number;

  constructor(root: string, now: () => number) {
    this.#root = root;
    this.#now = now;
  }

  /** What a bot tells somebody who writes to it and is not heard; the same code until it has expired. */
  tell(sender: z.infer<typeof admitted>, name = '', askedAtMs = this.#now()): string {
    const before = readRecord(this.#file('waiting', sender), waiting);
    if (before && this.#now() - before.askedAtMs <= codeMs) return before.code;
    const code = Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join('');
    replaceFile(this.#file('waiting', sender), JSON.stringify({ ...sender, name, code, askedAtMs }));
    return code;
  }

  /** Somebody lets a sender in by other means: the Control UI. */
  admit(sender: z.infer<typeof admitted>): void {
    replaceFile(this.#file('admitted', sender), JSON.stringify(sender));
    fs.rmSync(this.#file('waiting', sender), { force: true });
  }

  do(deed: SenderDeed): void {
    if (deed.kind === 'remove') fs.rmSync(this.#file('admitted', deed), { force: true });
    if (deed.kind !== 'approve') return;
    const { channel, account, code } = deed;
    const found = this.#all('waiting', waiting).find(
      (each) => each.channel === channel && each.account === account && each.code === code,
    );
    if (found && this.#now() - found.askedAtMs <= codeMs) this.admit({ channel, account, id: found.id });
  }

  read(channels: readonly string[]): SenderBook {
    const of = ({ channel }: { channel: string }) => channels.includes(channel);
    return {
      now: this.#now(),
      waiting: this.#all('waiting', waiting).filter(of),
      admitted: this.#all('admitted', admitted).filter(of),
    };
  }

  #all<T>(kind: string, form: z.ZodType<T>): T[] {
    const folder = path.join(this.#root, kind);
    return listNames(folder).flatMap((name) => readRecord(path.join(folder, name), form) ?? []);
  }

  #file(kind: string, { channel, account, id }: z.infer<typeof admitted>): string {
    return path.join(this.#root, kind, `${encodeURIComponent([channel, account, id].join(' '))}.json`);
  }
}
