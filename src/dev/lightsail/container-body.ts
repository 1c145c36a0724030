import { buffer } from 'node:stream/consumers';
import Docker from 'dockerode';
import tar from 'tar-stream';
import type { BodyHostKey, BodyOrder, MachineBody } from './body.js';
import { statusOf, unless } from './engine-answer.js';
import { Segment, standInLabel } from './segment.js';

/** What a Docker engine inside a container needs. `--privileged` would fail where this engine itself lacks a capability. */
const capabilities = ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_NICE', 'DAC_READ_SEARCH', 'AUDIT_WRITE'];

const confinement = {
  CapAdd: capabilities,
  SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
  MaskedPaths: [],
  ReadonlyPaths: [],
  CgroupnsMode: 'private',
  Tmpfs: { '/run': 'exec', '/tmp': 'exec' },
};

const hostKeyFile = '/etc/ssh/ssh_host_ed25519_key.pub';

/**
 * A machine that is a container with sshd and a Docker engine of its own, which runs the launch script at its first
 * boot. Its address is the container's, on a network of the stand-in's: it is reached from this machine only. Its own
 * containers, volumes and networks go with it.
 */
export class ContainerBody implements MachineBody {
  readonly #docker: Docker;
  readonly #image: string;
  readonly #owner: string;
  readonly #segment: Segment;
  #lastMade: Promise<unknown> = Promise.resolve();

  /** `owner` tells the machines of one stand-in from those of another. */
  constructor({ socketPath, image, owner }: { socketPath: string; image: string; owner: string }) {
    this.#docker = new Docker({ socketPath });
    this.#image = image;
    this.#owner = owner;
    this.#segment = new Segment(this.#docker, owner);
  }

  async create(order: BodyOrder): Promise<void> {
    // One at a time: two would find the same address free.
    this.#lastMade = this.#lastMade.catch(() => undefined).then(() => this.#make(order));
    await this.#lastMade;
    const files = { 'user-data': order.launchScript, login: order.login, keys: `${order.keys.join('\n')}\n` };
    await this.#container(order.id).putArchive(await packed(files), { path: '/var/lib' });
  }

  async #make(order: BodyOrder): Promise<void> {
    if ((await this.list()).includes(order.id)) return;
    const address = await this.#segment.freeAddress();
    await this.#docker.createContainer({
      name: nameOf(order.id),
      Hostname: order.name,
      Image: this.#image,
      Labels: { [standInLabel]: this.#owner },
      Volumes: { '/var/lib/docker': {} },
      HostConfig: { ...confinement, NetworkMode: this.#segment.name },
      NetworkingConfig: { EndpointsConfig: { [this.#segment.name]: { IPAMConfig: { IPv4Address: address } } } },
    });
  }

  async start(id: string): Promise<void> {
    await unless(304, this.#container(id).start());
  }

  async stop(id: string): Promise<void> {
    await this.#quietly(id, (container) => container.stop({ t: 20 }));
  }

  async kill(id: string): Promise<void> {
    await this.#quietly(id, (container) => container.kill());
  }

  async freeze(id: string): Promise<void> {
    await this.#container(id).pause();
  }

  async thaw(id: string): Promise<void> {
    await this.#container(id).unpause();
  }

  async delete(id: string): Promise<void> {
    await this.#quietly(id, (container) => container.remove({ force: true, v: true }));
    await this.#segment.leave();
  }

  async address(id: string): Promise<string | undefined> {
    const { NetworkSettings } = await this.#container(id).inspect();
    return Object.values(NetworkSettings.Networks)[0]?.IPAddress || undefined;
  }

  async attach(id: string, address: string): Promise<string> {
    return (await this.address(id)) ?? address;
  }

  async hostKeys(id: string): Promise<BodyHostKey[]> {
    const line = await this.read(id, hostKeyFile);
    const [algorithm, publicKey] = line?.split(' ') ?? [];
    return algorithm && publicKey ? [{ algorithm, publicKey: publicKey.trim() }] : [];
  }

  async list(): Promise<string[]> {
    const all = await this.#segment.machines();
    return all.flatMap(({ Names }) => Names.map((name) => name.replace(/^\/creel-machine-/, '')));
  }

  /** A file of the machine's disk; undefined when there is none. */
  async read(id: string, path: string): Promise<string | undefined> {
    const archive = await unless(404, this.#container(id).getArchive({ path }));
    if (archive === undefined) return undefined;
    let text = '';
    for await (const entry of archive.pipe(tar.extract())) for await (const chunk of entry) text += String(chunk);
    return text;
  }

  /** Runs a command on the machine, as root, and answers what it said. */
  async run(id: string, command: readonly string[]): Promise<string> {
    const asked = { Cmd: [...command], AttachStdout: true, AttachStderr: true, Tty: true };
    const stream = await (await this.#container(id).exec(asked)).start({ Tty: true });
    let said = '';
    for await (const chunk of stream) said += String(chunk);
    return said;
  }

  #container(id: string): Docker.Container {
    return this.#docker.getContainer(nameOf(id));
  }

  /** What is not there, or does not run, is stopped, killed and removed already. */
  async #quietly(id: string, act: (container: Docker.Container) => Promise<unknown>): Promise<void> {
    await act(this.#container(id)).catch((error: unknown) => {
      if (![304, 404, 409].includes(statusOf(error) ?? 0)) throw error;
    });
  }
}

function nameOf(id: string): string {
  return `creel-machine-${id}`;
}

function packed(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const pack = tar.pack();
  pack.entry({ name: 'cloud', type: 'directory', mode: 0o755 });
  for (const [name, content] of Object.entries(files)) pack.entry({ name: `cloud/${name}`, mode: 0o644 }, content);
  pack.finalize();
  return buffer(pack);
}
