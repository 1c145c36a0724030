import type { Client } from '@temporalio/client';
import { findProcesses } from '../../src/dev/own-process.js';

/** The text of every history and every description that a Temporal server has, payloads decoded, by workflow and run. */
export async function historyTexts(client: Client): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for await (const { workflowId, runId } of client.workflow.list()) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const [history, { raw }] = await Promise.all([handle.fetchHistory(), handle.describe()]);
    texts.set(`${workflowId} ${runId}`, decoded([history, raw]));
  }
  return texts;
}

/** Whether a text holds a secret, as it is or in one of the ways in which bytes become text. */
export function holds(text: string, secret: string): boolean {
  return writtenOut(secret).some((form) => text.includes(form));
}

/** The arguments of every process of this machine, gathered until it is stopped: most of them live for milliseconds. */
export class ArgumentWatch {
  readonly #seen = new Set<string>();
  readonly #timer = setInterval(() => this.#look(), 100);

  /** Every command line there was, one a line. */
  stop(): string {
    this.#look();
    clearInterval(this.#timer);
    return [...this.#seen].join('\n');
  }

  #look(): void {
    findProcesses((argv) => {
      this.#seen.add(argv.join(' '));
      return false;
    });
  }
}

function writtenOut(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const inside = [0, 1, 2].map((shift) => insideBase64(bytes, shift));
  return [secret, bytes.toString('hex'), encodeURIComponent(secret), ...inside, ...inside.map(urlSafe)];
}

/** What base64 makes of the secret inside a longer text: without the characters that its neighbours share. */
function insideBase64(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replaceAll('=', '');
  return text.slice(shift === 0 ? 0 : shift + 1, -1);
}

function urlSafe(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_');
}

/** Every string and every run of bytes in a structure, as text, one a line. */
function decoded(value: unknown): string {
  const lines: string[] = [];
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const each = pending.pop();
    if (typeof each === 'string') lines.push(each);
    else if (each instanceof Uint8Array) lines.push(Buffer.from(each).toString('utf8'));
    else if (typeof each === 'object' && each !== null) pending.push(...Object.entries(each).flat());
  }
  return lines.join('\n');
}
