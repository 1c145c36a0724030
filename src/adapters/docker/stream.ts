/** The text that a command wrote to its two streams. */
export type Output = { readonly stdout: string; readonly stderr: string };

const headerBytes = 8;
const stderrStream = 2;

/**
 * Takes apart what an engine sends for a command without a terminal: frames with an 8-byte header (stream, length) and
 * a payload. Holds at most `limitBytes` and throws above that, because a sender that is never stopped fills the memory.
 */
export class Demultiplexer {
  readonly #what: string;
  readonly #limitBytes: number;
  readonly #frames: { readonly stream: number; readonly payload: Buffer }[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #taken = 0;

  constructor(what: string, limitBytes: number) {
    this.#what = what;
    this.#limitBytes = limitBytes;
  }

  take(chunk: Buffer): void {
    this.#taken += chunk.length;
    if (this.#taken > this.#limitBytes)
      throw new Error(`${this.#what} gave more than ${this.#limitBytes} bytes of output`);
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (data.length >= headerBytes) {
      const end = headerBytes + data.readUInt32BE(4);
      if (data.length < end) break;
      this.#frames.push({ stream: data.readUInt8(0), payload: data.subarray(headerBytes, end) });
      data = data.subarray(end);
    }
    this.#rest = data;
  }

  /** The text of each stream by itself. */
  output(): Output {
    return {
      stdout: this.#text((stream) => stream !== stderrStream),
      stderr: this.#text((stream) => stream === stderrStream),
    };
  }

  /** Both streams in the order in which they were written. */
  merged(): string {
    return this.#text(() => true);
  }

  #text(isWanted: (stream: number) => boolean): string {
    const wanted = this.#frames.filter(({ stream }) => isWanted(stream)).map(({ payload }) => payload);
    return Buffer.concat(wanted).toString('utf8');
  }
}
