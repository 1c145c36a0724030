import type { ContainerCreateOptions } from 'dockerode';
import type { RestartPolicy } from '../../domain/gateway/container.js';
import { NotYet, Refused, StartOver } from '../../domain/errors.js';
import { plainLines } from '../../domain/heard.js';
import type { Container, ContainerLimits, Process } from '../../ports/docker-engine.js';
import { callMs, gone, type Ask } from './ask.js';
import { isContainerGone, isPortTaken } from './errors.js';
import { containerForm, read, statsForm } from './forms.js';
import { Demultiplexer } from './stream.js';

/** The most of a log that a failure keeps: it ends up in a history. */
const logCharacters = 16_384;

/** The containers of an engine. */
export class Containers {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Makes a container under this name, which can exist only once. */
  async create(name: string, options: ContainerCreateOptions): Promise<{ readonly id: string } | 'name taken'> {
    return this.#ask(
      `create container ${name}`,
      (docker) => docker.createContainer(options).then(({ id }) => ({ id })),
      ({ status, text }) => {
        if (status === 404) throw new StartOver(`container ${name} cannot be created, a part of it is gone: ${text}`);
        return status === 409 ? ('name taken' as const) : undefined;
      },
    );
  }

  async findContainer(name: string): Promise<Container | undefined> {
    const found = await this.#ask(
      `look for container ${name}`,
      (docker) => docker.getContainer(name).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (found === gone) return undefined;
    const { Id, Name, Image, Config, State, HostConfig, RestartCount } = read(
      containerForm,
      found,
      `look for container ${name}`,
    );
    if (Name !== `/${name}`) return undefined;
    return {
      id: Id,
      name,
      labels: Config.Labels,
      imageId: Image,
      state: stateOf(State.Status),
      exitCode: State.ExitCode,
      outOfMemory: State.OOMKilled,
      restartPolicy: HostConfig.RestartPolicy?.Name || 'no',
      restartCount: RestartCount,
      startedAt: State.StartedAt,
      memoryMb: HostConfig.Memory / 1024 ** 2,
      cpus: HostConfig.NanoCpus / 1e9,
    };
  }

  async renameContainer(id: string, name: string): Promise<'renamed' | 'name taken'> {
    return this.#ask<'renamed', 'renamed' | 'name taken'>(
      `rename container ${id} to ${name}`,
      (docker) =>
        docker
          .getContainer(id)
          .rename({ name })
          .then(() => 'renamed' as const),
      ({ status, text }) => {
        if (/same name|same as its current name/i.test(text)) return 'renamed';
        return status === 409 || /already in use/i.test(text) ? 'name taken' : undefined;
      },
    );
  }

  async findProcess(id: string): Promise<Process | undefined> {
    const found = await this.#ask(
      `look at container ${id.slice(0, 12)}`,
      (docker) => docker.getContainer(id).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (found === gone) return undefined;
    const { Args, Config } = read(containerForm, found, `look at container ${id.slice(0, 12)}`);
    const pairs = (Config.Env ?? []).map((each) => each.split(/=(.*)/s, 2) as [string, string]);
    const environment = Object.fromEntries(pairs.map(([name, value]) => [name, value ?? '']));
    return { command: Args, environment };
  }

  async startContainer(id: string): Promise<'running' | 'port taken'> {
    return this.#ask<'running', 'running' | 'port taken'>(
      `start container ${id}`,
      (docker) =>
        docker
          .getContainer(id)
          .start()
          .then(() => 'running' as const),
      (answer) => {
        if (answer.status === 304) return 'running';
        if (isPortTaken(answer.text)) return 'port taken';
        const isPartGone = answer.status === 404 && !isContainerGone(answer);
        if (isPartGone) throw new StartOver(`container ${id} cannot start, a part of it is gone: ${answer.text}`);
        return undefined;
      },
    );
  }

  async stopContainer(id: string, graceS: number): Promise<void> {
    await this.#ask(
      `stop container ${id}`,
      (docker) => docker.getContainer(id).stop({ t: graceS }),
      ({ status }) => (status === 304 || status === 404 ? gone : undefined),
      graceS * 1000 + callMs,
    );
  }

  async unpauseContainer(id: string): Promise<void> {
    await this.#ask(
      `unpause container ${id}`,
      (docker) => docker.getContainer(id).unpause(),
      ({ text }) => (/not paused/i.test(text) ? gone : undefined),
    );
  }

  async removeContainer(id: string): Promise<void> {
    await this.#ask(
      `remove container ${id}`,
      (docker) => docker.getContainer(id).remove({ force: true, v: true }), // Volumes without a name: nobody else can know them.
      ({ status, text }) => {
        if (status === 409) throw new NotYet(`container ${id} is being removed: ${text}`);
        return status === 404 ? gone : undefined;
      },
    );
  }

  async updateContainer(id: string, { memoryMb, cpus }: ContainerLimits): Promise<void> {
    const held = (await this.findMemoryInUse(id)) ?? 0; // A modern kernel accepts a limit below it, and kills.
    if (held > memoryMb)
      throw new Refused(`container ${id.slice(0, 12)} holds ${Math.ceil(held)} MB: it cannot be given ${memoryMb} MB`);
    const bytes = memoryMb * 1024 ** 2;
    const limits = { Memory: bytes, MemorySwap: bytes, NanoCpus: Math.round(cpus * 1e9) };
    await this.#ask(
      `give container ${id.slice(0, 12)} other limits`,
      (docker) => docker.getContainer(id).update(limits),
      ({ text }) => {
        if (!/memory limit/i.test(text)) return undefined;
        throw new Refused(
          `the engine does not give container ${id.slice(0, 12)} ${memoryMb} MB: ${text}. Ask for more`,
        );
      },
    );
  }

  async findMemoryInUse(id: string): Promise<number | undefined> {
    const what = `read the memory of container ${id.slice(0, 12)}`;
    const stats: unknown = await this.#ask(what, (docker) =>
      docker.getContainer(id).stats({ stream: false, 'one-shot': true }),
    );
    const { memory_stats: memory } = read(statsForm, stats, what);
    if (memory.usage === undefined) return undefined;
    const cache = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0;
    return (memory.usage - cache) / 1024 ** 2;
  }

  async setRestartPolicy(id: string, policy: RestartPolicy): Promise<void> {
    await this.#ask(`set restart policy of container ${id}`, (docker) =>
      docker.getContainer(id).update({ RestartPolicy: { Name: policy } }),
    );
  }

  async lastLog(id: string, lines: number): Promise<string> {
    const log = await this.#ask(`read the log of container ${id}`, (docker) =>
      docker.getContainer(id).logs({ stdout: true, stderr: true, tail: lines, follow: false }),
    );
    const demultiplexer = new Demultiplexer(`the log of container ${id}`, log.length);
    demultiplexer.take(log);
    return plainLines(demultiplexer.merged(), logCharacters);
  }
}

const states = ['created', 'running', 'restarting', 'paused', 'exited'] as const;

function stateOf(status: string): Container['state'] {
  return states.find((each) => each === status) ?? 'other';
}
