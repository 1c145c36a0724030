import type { Duplex } from 'node:stream';
import type { AcceptConnection, Client, ClientChannel, TcpConnectionDetails } from 'ssh2';
import type { SshHost } from '../../domain/hosts/ssh-host.js';
import { ChannelStream } from './channel-stream.js';
import { connect } from './connect.js';
import { away, cut, listenError, portError, socketError } from './errors.js';
import { sshLimits, type SshLimits } from './limits.js';

type Answer = (error: Error | undefined, channel: ClientChannel) => void;

/** How a channel is asked for, and what its refusal means. */
type Asking = {
  readonly ask: (client: Client, answer: Answer) => void;
  readonly judge: (error: Error) => Error;
};

/**
 * The one connection to a host, made when it is first needed and again after a cut, closed when nobody has used it for
 * a while. Whoever asks while it is being made waits for the same one.
 */
export class SshConnection {
  /** The host, as it was last found. */
  host: SshHost;
  readonly #locate: (() => Promise<SshHost>) | undefined;
  readonly #limits: SshLimits;
  readonly #streams = new Set<ChannelStream>();
  #client: Promise<Client> | undefined;
  #made = 0;
  #listening = 0;
  #idle: NodeJS.Timeout | undefined;

  /** `locate` says before each connection where the host is by then; `host` stands for it until it has. */
  constructor(host: SshHost, limits: SshLimits = sshLimits, locate?: () => Promise<SshHost>) {
    this.host = host;
    this.#locate = locate;
    this.#limits = limits;
  }

  /** Another one after each connection: who was at the other end of the former may be there no more. */
  lineage(): string {
    return String(this.#made);
  }

  /** A stream to a Unix socket on the host. It can be written to at once; that nobody answers there is its error. */
  toSocket(socketPath: string): ChannelStream {
    return this.#stream({
      ask: (client, answer) => client.openssh_forwardOutStreamLocal(socketPath, answer),
      judge: (error) => socketError(error, this.host),
    });
  }

  /** A stream to a port on the host's own loopback, in the same way. */
  toPort(port: number): ChannelStream {
    return this.#stream({
      ask: (client, answer) => client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, answer),
      judge: (error) => portError(error, this.host, port),
    });
  }

  /** A stream to a command's input and output there; the key may be one that gives no command. */
  toCommand(command: string): ChannelStream {
    return this.#stream({ ask: (client, answer) => client.exec(command, answer), judge: (error) => error });
  }

  /** Hands over whoever comes to a port of the host's own loopback, which it chooses, until that is closed. */
  async listen(take: (stream: Duplex) => void): Promise<{ readonly port: number; readonly close: () => void }> {
    this.#listening += 1;
    clearTimeout(this.#idle);
    try {
      const client = await this.#connected();
      const port = await this.#bind(client);
      const hear = ({ destPort }: TcpConnectionDetails, accept: AcceptConnection<ClientChannel>) => {
        if (destPort !== port) return;
        take(this.#stream({ ask: (_client, answer) => answer(undefined, accept()), judge: (error) => error }));
      };
      client.on('tcp connection', hear);
      const close = () => {
        client.off('tcp connection', hear);
        attempt(() => client.unforwardIn('127.0.0.1', port, () => undefined));
        this.#listening -= 1;
        this.#rest();
      };
      return { port, close };
    } catch (error) {
      this.#listening -= 1;
      this.#rest();
      throw error;
    }
  }

  #bind(client: Client): Promise<number> {
    return new Promise((resolve, reject) => {
      try {
        client.forwardIn('127.0.0.1', 0, (error, port) => {
          if (error) reject(listenError(error, this.host));
          else resolve(port);
        });
      } catch (error) {
        reject(away(this.host, error instanceof Error ? error.message : String(error), { cause: error }));
      }
    });
  }

  /** Closes the connection under whatever uses it; the next one who asks gets another. */
  close(): void {
    clearTimeout(this.#idle);
    const closing = this.#client;
    this.#client = undefined;
    void closing?.then(
      (client) => client.end(),
      () => undefined, // It never came to be.
    );
  }

  #stream(asking: Asking): ChannelStream {
    const stream: ChannelStream = new ChannelStream(() => this.#open(stream, asking));
    clearTimeout(this.#idle);
    this.#streams.add(stream);
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#rest();
    });
    return stream;
  }

  /** Once nobody uses the connection, it is kept for a while. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#streams.size > 0 || this.#listening > 0) return;
    this.#idle = setTimeout(() => this.close(), this.#limits.idleMs).unref();
  }

  async #open(stream: ChannelStream, { ask, judge }: Asking): Promise<ClientChannel> {
    const client = await this.#connected();
    return await new Promise<ClientChannel>((resolve, reject) => {
      const answer: Answer = (error, channel) => {
        if (error) return reject(judge(error));
        const lost = () => stream.destroy(cut(this.host));
        client.once('close', lost);
        stream.once('close', () => client.off('close', lost));
        resolve(channel);
      };
      try {
        ask(client, answer);
      } catch (error) {
        reject(away(this.host, error instanceof Error ? error.message : String(error), { cause: error }));
      }
    });
  }

  async #connect(): Promise<Client> {
    if (this.#locate) this.host = await this.#locate();
    return connect(this.host, this.#limits);
  }

  #connected(): Promise<Client> {
    if (this.#client) return this.#client;
    const client = this.#connect().then((made) => {
      this.#made += 1;
      made.setMaxListeners(0); // One for each stream.
      made.once('close', forget);
      return made;
    });
    const forget = () => {
      this.#made += 1;
      if (this.#client === client) this.#client = undefined;
    };
    client.catch(forget);
    this.#client = client;
    return client;
  }
}

/** A connection that is gone has nothing to let go of. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    return;
  }
}
