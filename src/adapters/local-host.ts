import { readFile, statfs } from 'node:fs/promises';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Place } from '../domain/gateway.js';
import type { HostFacts, HostProvider } from '../ports/host-provider.js';
import { request, type EngineAt } from './docker-call.js';
import { unexpected } from './docker-errors.js';

/** `GET /info` on a busy engine. */
const infoMs = 25_000;

/** Another look at the same port, by an overlapping attempt, takes it for a moment that is over long before this. */
const lookAgainMs = 50;

const engineInfo = z.object({
  ID: z.string(),
  Architecture: z.string(),
  NCPU: z.number(),
  MemTotal: z.number(),
  DockerRootDir: z.string(),
});

/** The machine that this process runs on, as its Docker engine sees it. */
export class LocalHost implements HostProvider {
  readonly #at: EngineAt;

  constructor(at: EngineAt) {
    this.#at = at;
  }

  async readHost(_place: Place): Promise<HostFacts> {
    const info = engineInfo.parse(await this.#info());
    return {
      engineId: info.ID,
      architecture: info.Architecture,
      cpus: info.NCPU,
      memoryMb: Math.floor(info.MemTotal / 1024 ** 2),
      availableMemoryMb: await availableMb(info.MemTotal),
      freeDiskBytes: await freeBytes(info.DockerRootDir),
    };
  }

  async isPortTaken(_place: Place, port: number): Promise<boolean> {
    if (await canListen(port)) return false;
    await sleep(lookAgainMs);
    return !(await canListen(port));
  }

  async #info(): Promise<unknown> {
    const what = 'ask what the host has';
    try {
      return await request<unknown>(this.#at, { what, limitMs: infoMs }, (docker) => docker.info());
    } catch (error) {
      throw unexpected(error, what);
    }
  }
}

/** Undefined when this is not the kernel that the engine runs on, which has another amount of memory. */
async function availableMb(engineBytes: number): Promise<number | undefined> {
  try {
    const text = await readFile('/proc/meminfo', 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
    if (kilobytes('MemTotal') * 1024 !== engineBytes) return undefined;
    const available = Math.floor(kilobytes('MemAvailable') / 1024);
    return Number.isNaN(available) ? undefined : available;
  } catch {
    return undefined;
  }
}

/** Undefined when the engine's directory is not on this file system, as with an engine in a virtual machine. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return undefined;
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
