import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { z } from 'zod';
import { OpenclawDoor } from '../src/adapters/openclaw/door.js';
import { localDial } from '../src/adapters/hosts/local-dial.js';
import { NotYet } from '../src/domain/errors.js';
import { Secret } from '../src/domain/secret.js';
import { DockerodeEngine } from '../src/adapters/docker/engine.js';
import { Downtime } from './downtime.js';
import { found, foundImage, foundSocket } from '../test/ground/found.js';

const release = '2026.9.6';
const place = { provider: 'local', host: 'local' } as const;
const created = z
  .object({
    hostPort: z.number().optional(),
    port: z.number().optional(),
    token: z.string().optional(),
    gatewayToken: z.string().optional(),
  })
  .loose();

/** The official supervisor of the same release, run from the package that is in the prepared image. */
export class Fleet {
  readonly #directory: string;
  readonly #door: OpenclawDoor;

  private constructor(directory: string) {
    this.#directory = directory;
    const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
    this.#door = new OpenclawDoor({ dial: localDial, engineAt: () => engine, signal: () => undefined });
  }

  /** Takes the package and its Node out of the image. */
  static async open(): Promise<Fleet> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-fleet-'));
    const { stdout: id } = await execa('docker', ['create', foundImage(release)]);
    try {
      await execa('docker', ['cp', `${id}:/app`, path.join(directory, 'app')]);
      await execa('docker', ['cp', `${id}:/usr/local/bin/node`, path.join(directory, 'node')]);
    } finally {
      await execa('docker', ['rm', id]);
    }
    return new Fleet(directory);
  }

  /** Creates a tenant and waits until an authenticated WebSocket answers; removes it again. In ms. */
  async create(variant: 'plain' | 'prepared'): Promise<number> {
    const image = variant === 'plain' ? found().plain?.[release] : foundImage(release);
    if (!image) throw new Error('the image without the compile cache is missing. Run scripts/bootstrap --plain');
    const tenant = `bench-${randomBytes(3).toString('hex')}`;
    try {
      const began = performance.now();
      const { stdout } = await this.#run(['fleet', 'create', tenant, '--image', image, '--json']);
      await this.#answers(await this.#locate(stdout, tenant));
      return performance.now() - began;
    } finally {
      await this.#run(['fleet', 'rm', tenant, '--force', '--purge-data']);
    }
  }

  /** Creates a tenant, upgrades it, and answers how long it gave no good answer meanwhile. In ms. */
  async upgrade(from: string, to: string): Promise<number> {
    const tenant = `bench-${randomBytes(3).toString('hex')}`;
    try {
      const { stdout } = await this.#run(['fleet', 'create', tenant, '--image', from, '--json']);
      const at = await this.#locate(stdout, tenant);
      await this.#answers(at);
      await sleep(1_000);
      const downtime = new Downtime(at.port);
      await this.#run(['fleet', 'upgrade', tenant, '--image', to]);
      return await downtime.stop();
    } finally {
      await this.#run(['fleet', 'rm', tenant, '--force', '--purge-data']);
    }
  }

  async close(): Promise<void> {
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }

  async #run(args: readonly string[]) {
    const home = path.join(this.#directory, 'home');
    fs.mkdirSync(home, { recursive: true });
    const app = path.join(this.#directory, 'app', 'openclaw.mjs');
    return execa(path.join(this.#directory, 'node'), [app, ...args], {
      env: { HOME: home, OPENCLAW_HOME: home },
      cwd: home,
    });
  }

  /** Where the tenant listens and with which token: as printed, else as its container says. */
  async #locate(stdout: string, tenant: string): Promise<{ port: number; token: Secret }> {
    const said = created.parse(JSON.parse(stdout));
    const { stdout: inspected } = await execa('docker', ['inspect', `openclaw-cell-${tenant}`]);
    const [container] = z
      .array(
        z.object({
          Config: z.object({ Env: z.array(z.string()) }),
          NetworkSettings: z.object({
            Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable()),
          }),
        }),
      )
      .parse(JSON.parse(inspected));
    const inEnvironment = container?.Config.Env.find((each) => each.startsWith('OPENCLAW_GATEWAY_TOKEN='))
      ?.split('=')
      .slice(1)
      .join('=');
    const published = Object.values(container?.NetworkSettings.Ports ?? {}).flatMap((each) => each ?? [])[0]?.HostPort;
    return {
      port: said.hostPort ?? said.port ?? Number(published),
      token: new Secret(said.gatewayToken ?? said.token ?? inEnvironment ?? ''),
    };
  }

  async #answers({ port, token }: { port: number; token: Secret }): Promise<void> {
    for (const deadline = Date.now() + 120_000; ;) {
      try {
        const knock = await this.#door.knock({ place, port }, { token, device: undefined, scopes: ['operator.admin'] });
        if (knock.kind !== 'open') throw new Error(`the tenant answered "${knock.kind}"`);
        knock.session.close();
        return;
      } catch (error) {
        if (!(error instanceof NotYet) || Date.now() > deadline) throw error;
        await sleep(50);
      }
    }
  }
}
