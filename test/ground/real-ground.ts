import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import type { Catalogue } from '../../src/domain/release/release.js';
import { found, foundSocket } from './found.js';
import { Ground } from './ground.js';
import type { TestServer } from './server.js';
import { makersPrefix, noteMaker, takeDeadMakers } from './makers.js';

/** The key of every deployment that a test makes. */
export const testKey = 'cd'.repeat(32);

/** Apart from the pool of the demo and of a user's own worker. */
export const testPool = { cidr: '10.214.0.0/16', prefix: 28, firstPort: 24_000 };

/** Every prepared image of this machine, and those that a test has built on top of them. */
export function testCatalogue(): Catalogue {
  const built: Record<string, string> = JSON.parse(process.env['TEST_RELEASES'] ?? '{}');
  const images = { ...found().images, ...built };
  return Object.entries(images).map(([version, image]) => ({ version, image, dev: true }));
}

function ownId(): string {
  return `e2e${randomBytes(4).toString('hex')}`;
}

/** The id of a deployment of a test's own in the form that `creel init` mints, which the command line demands. */
function mintedId(): string {
  return `etoe${Array.from(randomBytes(6), (byte) => String.fromCharCode(97 + (byte % 26))).join('')}`;
}

/** A ground over the real Docker engine: real gateways, in a deployment of the test's own. */
export class RealGround extends Ground {
  readonly engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
  protected readonly main = 'dist/test/ground/real-worker-main.js';

  /** On a queue of its own, unless the command line is to find its workers. */
  constructor(server: TestServer, queue?: string) {
    super(
      server,
      fs.mkdtempSync(path.join(os.tmpdir(), makersPrefix)),
      queue === undefined ? ownId() : mintedId(),
      queue,
    );
    noteMaker(this.root, this.deployment);
  }

  /** First takes away what runs that were killed have left: their gateways come back with every start of the engine. */
  override async startWorker(work?: Parameters<Ground['startWorker']>[0]): Promise<ChildProcess> {
    for (const { deployment, root } of takeDeadMakers()) {
      await this.clear(deployment);
      fs.rmSync(root, { recursive: true, force: true });
    }
    return super.startWorker(work);
  }

  /** Everything on the engine that carries this deployment's mark, as `kind name`, sorted. */
  async leftovers(): Promise<string[]> {
    return (await this.#markedBy(this.deployment)).map(({ kind, name }) => `${kind} ${name}`).toSorted();
  }

  async #markedBy(deployment: string): Promise<Awaited<ReturnType<DockerodeEngine['listMarked']>>> {
    const marked = await this.engine.listMarked();
    return marked.filter(({ labels }) => labels['creel.deployment'] === deployment);
  }

  /** Removes whatever a failed test left: the next one must not stumble over it. */
  async clear(deployment = this.deployment): Promise<void> {
    const order = ['container', 'network', 'volume'];
    const left = await this.#markedBy(deployment);
    for (const { kind, name } of left.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))) {
      if (kind === 'container') await this.engine.removeContainer(name);
      if (kind === 'volume') await this.engine.removeVolume(name);
      if (kind === 'network')
        for (const { id } of await this.engine.findNetworks(name)) await this.engine.removeNetwork(id);
    }
  }

  override async close(): Promise<void> {
    await super.close();
    await this.clear();
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
