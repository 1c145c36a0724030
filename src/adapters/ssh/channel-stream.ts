import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';

/**
 * A channel of an SSH connection as a stream with the manners of a socket: it can be written to before it is open, a
 * cut ends it with an error, and what nobody reads stays with the other side; `open` tells that it is there. A channel of ssh2's own has neither
 * errors nor an end that can be told from a cut, and HTTP over one waits for ever.
 */
export class ChannelStream extends Duplex {
  readonly #open: () => Promise<ClientChannel>;
  #channel: ClientChannel | undefined;

  constructor(open: () => Promise<ClientChannel>) {
    super({ allowHalfOpen: false });
    this.#open = open;
    this.on('error', () => undefined); // One that lies idle has no other listener: it must not end the process.
  }

  override _construct(done: (error?: Error | null) => void): void {
    void this.#begin(done);
  }

  override _read(): void {
    this.#channel?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length === 0) return done(); // An end without words, as of a command that has no input.
    const channel = this.#channel;
    if (!channel || channel.writableEnded || channel.destroyed) return done(closedByOther());
    channel.write(chunk, (error) => done(error ? closedByOther(error) : undefined));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#channel?.destroy();
    done(error);
  }

  /** As HTTP asks of a socket: what was written is still sent. */
  destroySoon(): void {
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** HTTP and the engine's client ask this of every socket; a channel has none of it. */
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  async #begin(done: (error?: Error | null) => void): Promise<void> {
    let channel: ClientChannel;
    try {
      channel = await this.#open();
    } catch (error) {
      return done(error instanceof Error ? error : new Error(String(error)));
    }
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => this.#take(channel, chunk));
    channel.on('end', () => this.#end());
    channel.on('error', (error: Error) => this.destroy(closedByOther(error)));
    channel.on('close', () => this.#close());
    done();
    this.emit('open');
  }

  #take(channel: ClientChannel, chunk: Buffer): void {
    if (!this.destroyed && !this.push(chunk)) channel.pause();
  }

  #end(): void {
    if (!this.destroyed) this.push(null);
  }

  /** Nothing more can be written, whatever is still to be read. */
  #close(): void {
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }
}

/** What a socket says of a write after the other side has closed. */
function closedByOther(cause?: Error): Error {
  return Object.assign(new Error('the other side has closed', cause && { cause }), { code: 'ECONNRESET' });
}
