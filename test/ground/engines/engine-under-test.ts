import type { ContainerSpec } from '../../../src/domain/gateway/container.js';
import { markLabels, type Labels } from '../../../src/domain/gateway/gateway.js';
import type { Container, DockerEngine, Marked, WriterSpec } from '../../../src/ports/docker-engine.js';

/** An engine, and what a test has to do to the world behind its back. */
export type EngineUnderTest = {
  readonly engine: DockerEngine;
  readonly imageId: string;
  readonly imageReference: string;
  /** Starts every name that a test gives. */
  readonly prefix: string;
  readonly deployment: string;
  /** A /28 that no other test uses. */
  readonly subnet: () => string;
  readonly freePort: () => Promise<number>;
  /** Something foreign listens on the port until the answer is called. */
  readonly occupyPort: (port: number) => Promise<() => Promise<void>>;
  /** A network whose name may be taken already, as two racing requests leave it on an older engine; false where an engine takes no name twice. */
  readonly addNetwork: (network: { name: string; labels: Labels; subnet: string }) => Promise<boolean>;
  /** Everything whose name has the prefix, seen without the engine under test. */
  readonly inventory: () => Promise<Pick<Marked, 'kind' | 'name'>[]>;
  /** Removes something, whatever depends on it. */
  readonly forget: (kind: 'container' | 'network', name: string) => Promise<void>;
  /** The process in a running container dies. */
  readonly crash: (name: string) => Promise<void>;
  /** The same engine, asked by a worker that dies when the signal fires. */
  readonly askedBy: (signal: AbortSignal) => DockerEngine;
  /** The same engine, asked by a worker that sleeps right before it starts a container: `asleep` comes true then, `wake` lets it go on. */
  readonly sleeper: () => Promise<{
    readonly engine: DockerEngine;
    readonly asleep: () => Promise<boolean>;
    readonly wake: () => void;
    readonly close: () => Promise<void>;
  }>;
  /** Fills a volume, so that a copy of it can be met in its middle. */
  readonly fill: (volume: string) => Promise<void>;
  /** Runs a script in a volume, as its owner can. */
  readonly asOwner: (volume: string, script: string) => Promise<void>;
  /** Lets no copy of a filled volume end before `letEnd`, where an engine can be told so. */
  readonly holdBack: () => void;
  readonly letEnd: () => void;
  /** The processes of a running container hold this much more of its memory. */
  readonly fillMemory: (name: string, megabytes: number) => Promise<void>;
  /** Lets a running container whose command is `talking` say its lines. */
  readonly speak: (name: string, lines: readonly string[]) => Promise<void>;
};

/** The directory in which a test's containers see their volume. */
export const target = '/home/node/.openclaw';

const idle = ['sleep', '600'];

/** A container that listens on its host. */
export type Published = ContainerSpec & Required<Pick<ContainerSpec, 'network' | 'publish'>>;

/** A command that says lines and stays. */
export function talking(lines: readonly string[]): string[] {
  return ['sh', '-c', `${lines.map((line) => `echo ${line}`).join('; ')}; sleep 600`];
}

/** A command that says lines, and some more a little later, and stays. */
export function talkingOn(lines: readonly string[], later: readonly string[]): string[] {
  const say = (all: readonly string[]) => all.map((line) => `echo ${line}`).join('; ');
  return ['sh', '-c', `${say(lines)}; sleep 2; ${say(later)}; sleep 600`];
}

/** Names and labels of the resources of one test, and the shortest ways to them. */
export class Scene {
  readonly world: EngineUnderTest;
  readonly base: string;
  readonly labels: Labels;

  constructor(world: EngineUnderTest, gateway: string) {
    this.world = world;
    this.base = `${world.prefix}-${gateway}`;
    this.labels = markLabels({ deployment: world.deployment, gateway, birth: '7k3fq2', layout: 1 });
  }

  get engine(): DockerEngine {
    return this.world.engine;
  }

  /** A container with a volume and a network of its own. */
  async container(change: Partial<Published> = {}): Promise<Container> {
    const spec = await this.parts(change);
    await this.engine.createContainer(spec);
    return this.find(spec.name);
  }

  /** A running container with a volume and a network of its own. */
  async running(change: Partial<Published> = {}): Promise<Container> {
    const { id, name } = await this.container(change);
    const answer = await this.engine.startContainer(id);
    if (answer !== 'running') throw new Error(`container ${name}: ${answer}`);
    return this.find(name);
  }

  /** Creates volume and network for a container, and says how to ask for it. */
  async parts(change: Partial<Published> = {}): Promise<Published> {
    const { engine, base, labels } = this;
    await engine.createVolume({ name: `${base}-state`, labels });
    const made = await engine.createNetwork({ name: base, labels, subnet: this.world.subnet() });
    if (made === 'subnet taken') throw new Error(`the subnet of network ${base} is taken`);
    return { ...(await this.spec()), ...change };
  }

  async spec(): Promise<Published> {
    const { base, labels } = this;
    return {
      name: base,
      hostname: base,
      imageId: this.world.imageId,
      labels,
      command: idle,
      environment: { HOME: '/home/node' },
      memoryMb: 256,
      cpus: 0.5,
      network: base,
      publish: { hostIp: '127.0.0.1', hostPort: await this.world.freePort(), port: 18_789 },
      volume: { name: `${base}-state`, target },
      tmpfs: { '/tmp': 'rw,nosuid,nodev,mode=1777' },
      restartPolicy: 'no',
      health: { command: ['true'], intervalMs: 30_000, timeoutMs: 5_000, startPeriodMs: 45_000, retries: 5 },
    };
  }

  writer(): WriterSpec {
    const { base, labels } = this;
    return { name: `${base}-write`, labels, imageId: this.world.imageId, volume: `${base}-state`, target };
  }

  async find(name: string): Promise<Container> {
    const found = await this.engine.findContainer(name);
    if (!found) throw new Error(`no container ${name}`);
    return found;
  }
}

/** Removes everything that the tests of this world made. */
export async function clear({ engine, inventory, forget }: EngineUnderTest): Promise<void> {
  const all = await inventory();
  const names = (kind: string) => new Set(all.filter((each) => each.kind === kind).map(({ name }) => name));
  for (const name of names('container')) await forget('container', name);
  for (const name of names('network')) await forget('network', name);
  for (const name of names('volume')) await engine.removeVolume(name);
}

/** What is left of this world, as anybody sees it and as the engine under test lists it. */
export async function left({ engine, inventory, deployment }: EngineUnderTest): Promise<string[]> {
  const listed = (await engine.listMarked()).filter(({ labels }) => labels['creel.deployment']?.startsWith(deployment));
  return [...(await inventory()), ...listed].map(({ kind, name }) => `${kind} ${name}`);
}
