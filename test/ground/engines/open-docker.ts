import { randomBytes } from 'node:crypto';
import net from 'node:net';
import Docker from 'dockerode';
import getPort from 'get-port';
import type { EngineAt, Way } from '../../../src/adapters/docker/call.js';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import type { Marked } from '../../../src/ports/docker-engine.js';
import { foundImage, foundSocket } from '../found.js';
import { EngineProxy } from './engine-proxy.js';
import type { EngineUnderTest } from './engine-under-test.js';

/**
 * The machine's own Docker engine, with names, subnets and labels that nobody else uses; by another way than its socket
 * where one is given.
 */
export async function openDocker(way?: Way): Promise<EngineUnderTest> {
  const socketPath = foundSocket();
  const by = { socketPath, ...(way && { way }) };
  const docker = new Docker({ socketPath });
  const random = randomBytes(3);
  const prefix = `oc-ct-${random.toString('hex')}`;
  const copiers = new Copiers(docker, prefix);
  // Files that run side by side have pools of their own: two random ones were the same once in 1,600 runs.
  const pool = 100 + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 5) * 10 + (random.readUInt8(0) % 10);
  let subnets = 0;
  return {
    engine: new DockerodeEngine({ ...by, signal: () => undefined }),
    imageId: foundImage('2026.9.6'),
    imageReference: 'creel/openclaw:2026.9.6',
    prefix,
    deployment: `contract-${random.toString('hex')}`,
    subnet: () => {
      subnets += 1;
      return `10.${pool}.${(random.readUInt8(1) & 0xf8) + (subnets >> 4)}.${(subnets & 15) * 16}/28`;
    },
    freePort: () => getPort({ host: '127.0.0.1' }),
    occupyPort: listen,
    addNetwork: async ({ name, labels, subnet }) => {
      const ipam = { Driver: 'default', Config: [{ Subnet: subnet }] };
      try {
        await docker.createNetwork({ Name: name, IPAM: ipam, Labels: { ...labels } });
        return true;
      } catch (error) {
        if (error instanceof Error && 'statusCode' in error && error.statusCode === 409) return false;
        throw error;
      }
    },
    inventory: () => inventory(docker, prefix),
    forget: (kind, name) => (kind === 'container' ? removeContainer(docker, name) : removeNetworks(docker, name)),
    crash: async (name) => void (await docker.getContainer(name).kill()),
    fillMemory: async (name, megabytes) => fillMemory(docker, name, megabytes),
    speak: async () => undefined,
    askedBy: (signal) => new DockerodeEngine({ ...by, signal: () => signal }),
    sleeper: () => sleeper(by),
    fill: (volume) => fill(docker, volume),
    asOwner: (volume, script) => asOwner(docker, volume, script),
    holdBack: () => copiers.hold(),
    letEnd: () => copiers.letGo(),
  };
}

/** Whoever asks through this proxy sleeps before the start of a container. */
async function sleeper(by: Pick<EngineAt, 'socketPath' | 'way'>): ReturnType<EngineUnderTest['sleeper']> {
  const proxy = await new EngineProxy(by.socketPath).open();
  proxy.manner = { holdBefore: /^POST \S*\/containers\/\w+\/start/ };
  return {
    engine: new DockerodeEngine({ ...by, socketPath: proxy.socketPath, signal: () => undefined }),
    asleep: async () => proxy.held > 0,
    wake: () => proxy.letGo(),
    close: () => proxy.close(),
  };
}

/**
 * The copiers of one world: each is paused in its middle as soon as it runs, while they are held. Pauses come one after
 * another: the engine tells of a pause and of its end later than it does them, and where one is told after the next has
 * begun, it takes what is frozen for running and refuses to let it go on.
 */
class Copiers {
  readonly #docker: Docker;
  readonly #prefix: string;
  #held = { is: false };
  #before: Promise<void> = Promise.resolve();

  constructor(docker: Docker, prefix: string) {
    this.#docker = docker;
    this.#prefix = prefix;
  }

  hold(): void {
    this.letGo();
    const held = { is: true };
    this.#held = held;
    this.#before = this.#before.then(() => this.#pauseWhile(held));
  }

  letGo(): void {
    this.#held.is = false;
  }

  /** What was on its way to being paused when all were let go is let go as well. */
  async #pauseWhile(held: { readonly is: boolean }): Promise<void> {
    const filters = { name: [`^/${this.#prefix}.*-copy$`], status: ['running'] };
    const paused = new Set<string>();
    for (; held.is; await new Promise((resolve) => setTimeout(resolve, 15)))
      for (const { Id } of await this.#docker.listContainers({ filters }))
        if (held.is && (await done(this.#docker.getContainer(Id).pause()))) paused.add(Id);
    for (const id of paused) await this.#unpause(id);
  }

  /** Until the engine does it, or there is nothing left to let go. */
  async #unpause(id: string): Promise<void> {
    const container = this.#docker.getContainer(id);
    const runs = () =>
      container.inspect().then(
        ({ State }) => State.Running,
        () => false,
      );
    while (!(await done(container.unpause())) && (await runs()))
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether it was done: a copier that has just ended can be neither paused nor let go. */
async function done(act: Promise<unknown>): Promise<boolean> {
  return act.then(
    () => true,
    () => false,
  );
}

/** Enough files that a copy is met in its middle. */
async function fill(docker: Docker, volume: string): Promise<void> {
  await asOwner(docker, volume, 'mkdir many; cd many; i=0; while [ $i -lt 2000 ]; do echo $i > $i; i=$((i+1)); done');
}

async function asOwner(docker: Docker, volume: string, script: string): Promise<void> {
  const container = await docker.createContainer({
    Image: foundImage('2026.9.6'),
    Cmd: ['sh', '-c', script],
    WorkingDir: '/v',
    User: '0:0',
    HostConfig: { NetworkMode: 'none', Mounts: [{ Type: 'volume', Source: volume, Target: '/v' }] },
  });
  await container.start();
  await container.wait();
  await container.remove({ v: false });
}

/** A process of its own in the container fills its memory, and stays. */
async function fillMemory(docker: Docker, name: string, megabytes: number): Promise<void> {
  const script = `const b = Buffer.alloc(${megabytes} * 2 ** 20, 1); console.log('full'); setInterval(() => b, 1000)`;
  const exec = await docker
    .getContainer(name)
    .exec({ Cmd: ['node', '-e', script], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  await new Promise<void>((resolve, reject) => {
    stream.once('data', () => resolve());
    stream.once('end', () => reject(new Error(`nothing fills container ${name}`)));
  });
  stream.destroy();
}

async function listen(port: number): Promise<() => Promise<void>> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return () => new Promise((resolve) => server.close(() => resolve()));
}

async function inventory(docker: Docker, prefix: string): Promise<Pick<Marked, 'kind' | 'name'>[]> {
  const filters = { name: [prefix] };
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters });
  const volumes = await docker.listVolumes({ filters });
  return [
    ...containers.map(({ Names }) => ({ kind: 'container' as const, name: Names[0]?.slice(1) ?? '' })),
    ...networks.map(({ Name }) => ({ kind: 'network' as const, name: Name })),
    ...(volumes.Volumes ?? []).map(({ Name }) => ({ kind: 'volume' as const, name: Name })),
  ];
}

async function removeContainer(docker: Docker, name: string): Promise<void> {
  await docker.getContainer(name).remove({ force: true });
}

async function removeNetworks(docker: Docker, name: string): Promise<void> {
  const all = await docker.listNetworks({ filters: { name: [name] } });
  for (const { Id } of all.filter((each) => each.Name === name)) await docker.getNetwork(Id).remove();
}
