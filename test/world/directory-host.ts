import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Away, NotYet } from '../../src/domain/errors.js';
import { demandEngine, type FormerIds } from '../../src/domain/hosts/engine-id.js';
import type { Place } from '../../src/domain/hosts/place.js';
import type { HostNetwork } from '../../src/ports/docker-engine.js';
import type { HostFacts, HostProvider } from '../../src/ports/host-provider.js';
import { createFile, readRecord, replaceFile } from './directory-files.js';
import { DirectoryEngine } from './directory-engine.js';

const hostRecord = z.object({
  engineId: z.string(),
  architecture: z.string(),
  cpus: z.number(),
  memoryMb: z.number(),
  availableMemoryMb: z.number().optional(),
  freeDiskBytes: z.number().optional(),
  fullestDirectory: z.string().optional(),
  unseenDirectories: z.array(z.string()).default([]),
  upSince: z.string().optional(),
  clockMs: z.number().optional(),
  routes: z.array(z.object({ cidr: z.string(), device: z.string() })).optional(),
  watchers: z.object({ limit: z.number(), used: z.number().optional() }).optional(),
  /** As the settings of the worker beside it have it. */
  offer: z.object({ cordoned: z.boolean() }).optional(),
  engine: z
    .object({
      product: z.enum(['Docker', 'Podman']),
      version: z.string(),
      apiVersion: z.string(),
      store: z.string(),
      cgroup: z.string().optional(),
      mode: z.enum(['root', 'rootless', 'userns-remap']),
      os: z.string(),
      limits: z.object({ memory: z.boolean(), cpus: z.boolean(), processes: z.boolean() }),
    })
    .default({
      product: 'Docker',
      version: '29.0.0',
      apiVersion: '1.52',
      store: 'a directory',
      mode: 'root',
      os: 'linux',
      limits: { memory: true, cpus: true, processes: true },
    }),
});

/** The host of a `DirectoryEngine`: `host.json` beside the engine's resources says what it has. */
export class DirectoryHost implements HostProvider {
  readonly root: string;
  readonly #engine: DirectoryEngine;
  readonly #formerIds: FormerIds;

  constructor(root: string, formerIds: FormerIds = () => []) {
    this.root = root;
    this.#formerIds = formerIds;
    this.#engine = new DirectoryEngine(root);
    const own = { engineId: `engine-${randomBytes(4).toString('hex')}`, upSince: new Date().toISOString() };
    createFile(this.#file(), JSON.stringify({ ...own, ...plenty }));
  }

  async readHost(place: Place): Promise<HostFacts> {
    if (existsSync(path.join(this.root, 'down'))) throw new Away(`no engine answers at ${this.root}`);
    const facts = this.#read();
    demandEngine(place, facts.engineId, this.root, this.#formerIds);
    return facts;
  }

  async findNearest(): Promise<string> {
    return (await this.readHost({ provider: 'local', host: 'local' })).engineId;
  }

  async isPrepared(): Promise<boolean> {
    return true;
  }

  async findLoopbackRule(): Promise<'there' | 'missing' | undefined> {
    return undefined;
  }

  /** What was open is shut, and the script is what was carried out. */
  async putFence(_place: Place, _network: HostNetwork, script: string): Promise<boolean> {
    replaceFile(path.join(this.root, 'fence-script'), script);
    replaceFile(path.join(this.root, 'open-fence'), '');
    return true;
  }

  async isPortTaken(_place: Place, port: number): Promise<boolean> {
    return this.#engine.isPortTaken(port);
  }

  /** The machine loses its power and comes back: what its engine is to start again runs anew. */
  reboot(): void {
    this.#engine.reboot();
    this.become({ upSince: new Date().toISOString() });
  }

  /** Changes what the host has. */
  become(facts: Partial<HostFacts>): void {
    replaceFile(this.#file(), JSON.stringify({ ...readRecord(this.#file(), hostRecord), ...facts }));
  }

  #read(): HostFacts {
    const found = readRecord(this.#file(), hostRecord);
    if (!found) throw new NotYet(`no host at ${this.root}`);
    const { offer, ...facts } = found;
    const { freeDiskBytes, availableMemoryMb, fullestDirectory, upSince, clockMs, routes, watchers, engine } = facts;
    return {
      ...facts,
      ...(offer && { offer }),
      freeDiskBytes,
      availableMemoryMb,
      fullestDirectory,
      upSince,
      clockMs: clockMs ?? Date.now(),
      routes,
      watchers: watchers && { ...watchers, used: watchers.used },
      engine: { ...engine, cgroup: engine.cgroup },
    };
  }

  #file(): string {
    return path.join(this.root, 'host.json');
  }
}

const plenty = { architecture: 'x86_64', cpus: 64, memoryMb: 4_194_304, freeDiskBytes: 1024 ** 4 };
