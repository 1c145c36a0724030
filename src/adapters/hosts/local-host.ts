import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { demandEngine, engineId, type FormerIds } from '../../domain/hosts/engine-id.js';
import type { Place } from '../../domain/hosts/place.js';
import type { HostFacts, HostProvider } from '../../ports/host-provider.js';
import { request, type EngineAt } from '../docker/call.js';
import { unexpected } from '../docker/errors.js';
import { read } from '../docker/forms.js';
import { engineDisk } from '../docker/disk.js';
import { engineFacts, infoForm, versionForm } from '../docker/facts.js';
import { kernelOf } from './kernel.js';

/** `GET /info` on a busy engine. */
const infoMs = 25_000;

/** An overlapping attempt's own look at the port takes it for a moment that ends long before this. */
const lookAgainMs = 50;

/** The machine that this process runs on, as its Docker engine sees it. */
export class LocalHost implements HostProvider {
  readonly #at: EngineAt;
  readonly #formerIds: FormerIds;

  constructor(at: EngineAt, formerIds: FormerIds = () => []) {
    this.#at = at;
    this.#formerIds = formerIds;
  }

  async readHost(place: Place): Promise<HostFacts> {
    const what = 'ask what the host has';
    const [info, version] = await Promise.all([
      this.#ask(what, (docker) => docker.info()).then((answer) => read(infoForm, answer, what)),
      this.#ask(what, (docker) => docker.version()).then((answer) => read(versionForm, answer, what)),
    ]);
    const [disk, kernel] = await Promise.all([engineDisk(info), kernelOf(info.MemTotal)]);
    const { socketPath } = this.#at;
    demandEngine(place, engineId(info.ID, socketPath), socketPath, this.#formerIds);
    return {
      engineId: info.ID,
      engine: engineFacts(info, version),
      architecture: info.Architecture,
      cpus: info.NCPU,
      memoryMb: Math.floor(info.MemTotal / 1024 ** 2),
      freeDiskBytes: disk.freeBytes,
      fullestDirectory: disk.directory,
      unseenDirectories: disk.unseen,
      ...kernel,
    };
  }

  async isPortTaken(_place: Place, port: number): Promise<boolean> {
    if (await canListen(port)) return false;
    await sleep(lookAgainMs);
    return !(await canListen(port));
  }

  async #ask(what: string, run: (docker: Dockerode) => Promise<unknown>): Promise<unknown> {
    try {
      return await request(this.#at, { what, limitMs: infoMs }, run);
    } catch (error) {
      throw unexpected(error, what);
    }
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
