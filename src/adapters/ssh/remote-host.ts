import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Away, NotYet } from '../../domain/errors.js';
import type { FormerIds } from '../../domain/hosts/engine-id.js';
import type { Place } from '../../domain/hosts/place.js';
import { describeSshHost, type SshHost } from '../../domain/hosts/ssh-host.js';
import type { HostFacts, HostProvider } from '../../ports/host-provider.js';
import type { EngineAt } from '../docker/call.js';
import type { EngineInfo } from '../docker/facts.js';
import { readHost, type MachineLook } from '../hosts/read-host.js';
import { SshConnection } from './connection.js';
import type { SshLimits } from './limits.js';
import { directoriesOf, lookCommand, lookScript, readLook } from './look-script.js';

/** How long a way to a port may take: longer than on one machine, because the connection may have to be made. */
const dialMs = 20_000;

const lookMs = 20_000;

/** What a machine tells of itself is some kilobytes. */
const lookBytes = 1024 * 1024;

/** A machine that is reached over SSH, as its Docker engine sees it and as far as the key there lets us look. */
export class RemoteHost implements HostProvider {
  readonly settings: SshHost;
  readonly #connection: SshConnection;
  readonly #formerIds: FormerIds;
  readonly #signal: EngineAt['signal'];

  constructor(
    settings: SshHost,
    { signal, formerIds = () => [], limits }: Pick<EngineAt, 'signal'> & { formerIds?: FormerIds; limits?: SshLimits },
  ) {
    this.settings = settings;
    this.#connection = new SshConnection(settings, limits);
    this.#formerIds = formerIds;
    this.#signal = signal;
  }

  /** How its engine is reached. */
  get engine(): EngineAt {
    const connection = this.#connection;
    return {
      socketPath: this.settings.socketPath,
      signal: this.#signal,
      way: {
        to: describeSshHost(this.settings),
        toSocket: (socketPath) => connection.toSocket(socketPath),
        lineage: () => connection.lineage(),
      },
    };
  }

  async readHost(place: Place): Promise<HostFacts> {
    return readHost(this.engine, place, this.#formerIds, (info) => this.#look(info));
  }

  async findNearest(): Promise<string> {
    return (await this.readHost({ provider: 'local', host: this.settings.name })).engineId;
  }

  async isPortTaken(_place: Place, port: number): Promise<boolean> {
    try {
      (await this.dial(port)).destroy();
      return true;
    } catch (error) {
      if (error instanceof NotYet && !(error instanceof Away)) return false;
      throw error;
    }
  }

  /** A connection to a port that is published on the host's own loopback; `NotYet` where nothing listens. */
  dial(port: number): Promise<Duplex> {
    const stream = this.#connection.toPort(port);
    let late: NodeJS.Timeout | undefined;
    return new Promise<Duplex>((resolve, reject) => {
      const where = describeSshHost(this.settings);
      late = setTimeout(() => {
        stream.destroy();
        reject(new Away(`no way to port ${port} of ${where} in ${dialMs / 1000} s`));
      }, dialMs);
      stream.once('error', reject);
      stream.once('open', () => {
        stream.off('error', reject);
        resolve(stream);
      });
    }).finally(() => clearTimeout(late));
  }

  close(): void {
    this.#connection.close();
  }

  /** What a shell there tells; nothing where the key gives none. */
  async #look(info: EngineInfo): Promise<MachineLook> {
    const stream = this.#connection.toCommand(lookCommand(directoriesOf(info)));
    const late = setTimeout(() => stream.destroy(), lookMs);
    let told = '';
    stream.on('data', (chunk: Buffer) => {
      if (told.length < lookBytes) told += chunk.toString('utf8');
    });
    stream.end(lookScript);
    await finished(stream).catch(() => undefined); // Then what was told is not all of it.
    clearTimeout(late);
    return readLook(told);
  }
}
