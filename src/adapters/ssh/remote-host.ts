import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Away, NotYet } from '../../domain/errors.js';
import { loopbackRuleScript, readLoopbackRule } from '../../domain/hosts/fence.js';
import type { FormerIds } from '../../domain/hosts/engine-id.js';
import type { Place } from '../../domain/hosts/place.js';
import { launchMarker } from '../../domain/hosts/launch-script.js';
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

/** How a host is reached, beyond its settings. */
type Reaching = {
  readonly formerIds?: FormerIds;
  readonly limits?: SshLimits;
  /** Where it is now, asked before each connection; as its settings say when absent. */
  readonly locate?: () => Promise<SshHost>;
};

/** A machine that is reached over SSH, as its Docker engine sees it and as far as the key there lets us look. */
export class RemoteHost implements HostProvider {
  readonly #connection: SshConnection;
  readonly #formerIds: FormerIds;
  readonly #signal: EngineAt['signal'];
  readonly #offer: SshHost['offer'];

  constructor(
    settings: SshHost,
    { signal, formerIds = () => [], limits, locate }: Pick<EngineAt, 'signal'> & Reaching,
  ) {
    this.#connection = new SshConnection(settings, limits, locate);
    this.#formerIds = formerIds;
    this.#signal = signal;
    this.#offer = settings.offer;
  }

  /** How its engine is reached. */
  get engine(): EngineAt {
    const connection = this.#connection;
    return {
      socketPath: connection.host.socketPath,
      signal: this.#signal,
      way: {
        get to() {
          return describeSshHost(connection.host);
        },
        toSocket: (socketPath) => connection.toSocket(socketPath),
        lineage: () => connection.lineage(),
      },
    };
  }

  async readHost(place: Place): Promise<HostFacts> {
    const facts = await readHost(this.engine, place, this.#formerIds, (info) => this.#look(info));
    return { ...facts, ...(this.#offer && { offer: this.#offer }) };
  }

  async findNearest(): Promise<string> {
    return (await this.readHost({ provider: 'local', host: this.#connection.host.name })).engineId;
  }

  async isPrepared({ host }: Place): Promise<boolean> {
    return (await this.#hear(`cat ${launchMarker}`, '')).trim() === host;
  }

  async findLoopbackRule(): Promise<'there' | 'missing' | undefined> {
    return readLoopbackRule(await this.#hear('sh -s', loopbackRuleScript).catch(() => ''));
  }

  /** Another machine than the worker's own is not touched. */
  async putFence(): Promise<boolean> {
    return false;
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
      late = setTimeout(() => {
        const where = describeSshHost(this.#connection.host);
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

  /** Hands over whoever comes to a port of the host's own loopback, until that is closed. */
  listen(take: (stream: Duplex) => void): Promise<{ readonly port: number; readonly close: () => void }> {
    return this.#connection.listen(take);
  }

  close(): void {
    this.#connection.close();
  }

  /** What a shell there tells; nothing where the key gives none. */
  async #look(info: EngineInfo): Promise<MachineLook> {
    return readLook(await this.#hear(lookCommand(directoriesOf(info)), lookScript).catch(() => ''));
  }

  /** What a command there says, or as much as came. Whether there is a way to the host at all, is thrown. */
  async #hear(command: string, input: string): Promise<string> {
    const stream = this.#connection.toCommand(command);
    const late = setTimeout(() => stream.destroy(), lookMs);
    let told = '';
    stream.on('data', (chunk: Buffer) => {
      if (told.length < lookBytes) told += chunk.toString('utf8');
    });
    stream.end(input);
    await finished(stream).catch(() => undefined); // Then what was told is not all of it.
    clearTimeout(late);
    return told;
  }
}
