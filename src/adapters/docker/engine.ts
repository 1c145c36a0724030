import { isDeepStrictEqual } from 'node:util';
import type Dockerode from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import { z } from 'zod';
import type { ContainerSpec, RestartPolicy } from '../../domain/gateway/container.js';
import { isCopying, meetCopier, type Way } from '../../domain/changes/copying.js';
import { NotYet, Refused, StartOver } from '../../domain/errors.js';
import type { Labels } from '../../domain/gateway/gateway.js';
import { plainLines } from '../../domain/heard.js';
import type { Image } from '../../domain/release/image.js';
import type {
  Container,
  ContainerLimits,
  DockerEngine,
  ErrandSpec,
  ExecRequest,
  ExecResult,
  FileOwner,
  Marked,
  Network,
  OwnedFile,
  Process,
  Volume,
  VolumeCopy,
  WriterSpec,
} from '../../ports/docker-engine.js';
import { readAll, request, type EngineAt } from './call.js';
import { createOptions, writerOptions } from './container.js';
import { copyFailure, tornRefusal } from './copy-errors.js';
import { copyErrand, errandOptions, nothingSaved, tornState } from './errand.js';
import { answerOf, diskFull, isContainerGone, isDiskFull, isPortTaken, unexpected } from './errors.js';
import {
  containerForm,
  imageForm,
  incompleteImage,
  listedForm,
  networksForm,
  read,
  statsForm,
  volumeForm,
} from './forms.js';
import { runExec } from './exec.js';
import { pack, unpackOne } from './files.js';
import { PullProgress, pullError } from './pull.js';
import { Demultiplexer } from './stream.js';

/** A call that creates may take 30 s from start to close (design); a silent engine is reported before that. */
const callMs = 25_000;

/** A pull of about a gigabyte over a small host's line. */
const pullMs = 15 * 60_000;

/** How often a pull says how far it is. */
const sayMs = 1_000;

/** A config is a few kilobytes; whatever is larger is not a file of ours. */
const fileBytes = 1024 * 1024;

/** What a failure keeps of a log at most: it ends up in a history. */
const logCharacters = 16_384;

/** The lines of an errand's output that are read at most. */
const errandLines = 1_000;

type Answer = { readonly status: number; readonly text: string };

/** A Docker engine behind a Unix socket. The API version is negotiated; `DOCKER_HOST` and its relatives are ignored. */
export class DockerodeEngine implements DockerEngine {
  readonly #at: EngineAt;

  constructor(at: EngineAt) {
    this.#at = at;
  }

  async findImage(reference: string): Promise<Image | undefined> {
    const found = await this.#ask(
      `look for image ${reference}`,
      (docker) => docker.getImage(reference).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (found === gone) return undefined;
    const { Id, Config } = read(imageForm, found, `look for image ${reference}`, incompleteImage(reference));
    return { id: Id, labels: Config.Labels };
  }

  async pullImage(reference: string, say: (sentence: string) => void): Promise<void> {
    const errand = { what: `pull ${reference}`, limitMs: pullMs };
    const progress = new PullProgress(reference);
    const report = setInterval(() => say(progress.sentence()), sayMs);
    try {
      const stream = await request(this.#at, errand, (docker) => docker.pull(reference, {}));
      await readAll(this.#at, errand, stream, (chunk) => progress.take(chunk));
    } catch (error) {
      const answer = answerOf(error);
      throw answer ? pullError(reference, answer.text, answer.status) : error;
    } finally {
      clearInterval(report);
    }
    if (!(await this.findImage(reference)))
      throw new Error(`the pull of ${reference} ended, and the image is not there`);
  }

  async removeImage(reference: string): Promise<void> {
    await this.#ask(
      `remove image ${reference}`,
      (docker) => docker.getImage(reference).remove(),
      ({ status }) => (status === 404 || status === 409 ? gone : undefined),
    );
  }

  async createVolume(volume: Volume): Promise<void> {
    await this.#ask(`create volume ${volume.name}`, (docker) =>
      docker.createVolume({ Name: volume.name, Driver: 'local', Labels: { ...volume.labels } }),
    );
  }

  async findVolume(name: string): Promise<Volume | undefined> {
    const found = await this.#ask(
      `look for volume ${name}`,
      (docker) => docker.getVolume(name).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (found === gone) return undefined;
    const { Name, Labels } = read(volumeForm, found, `look for volume ${name}`);
    return { name: Name, labels: Labels };
  }

  async removeVolume(name: string): Promise<void> {
    await this.#ask(
      `remove volume ${name}`,
      (docker) => docker.getVolume(name).remove(),
      ({ status, text }) => {
        if (status === 409) throw new NotYet(`volume ${name} is in use: ${text}`);
        return status === 404 ? gone : undefined;
      },
    );
  }

  async saveVolume(copy: VolumeCopy): Promise<void> {
    if ((await this.#copy('save', copy)) === tornState) throw tornRefusal(copy.state);
  }

  async restoreVolume(copy: VolumeCopy): Promise<'restored' | 'nothing saved'> {
    return (await this.#copy('restore', copy)) === nothingSaved ? 'nothing saved' : 'restored';
  }

  async createNetwork(network: { name: string; labels: Labels; subnet: string }) {
    const { name, labels, subnet } = network;
    const ipam = { Driver: 'default', Config: [{ Subnet: subnet }] };
    const options = { Name: name, CheckDuplicate: true, Driver: 'bridge', IPAM: ipam, Labels: { ...labels } };
    return this.#ask(
      `create network ${name}`,
      (docker) => docker.createNetwork(options).then(() => 'created' as const),
      ({ status, text }) => {
        if (/overlap/i.test(text)) return 'subnet taken' as const;
        return status === 409 ? ('name taken' as const) : undefined;
      },
    );
  }

  async findNetworks(name: string): Promise<Network[]> {
    const found = await this.#ask(`look for network ${name}`, (docker) =>
      docker.listNetworks({ filters: { name: [name] } }),
    );
    return read(networksForm, found, `look for network ${name}`)
      .filter((each) => each.Name === name)
      .map(({ Id, Labels, IPAM }) => ({ id: Id, name, labels: Labels, subnets: IPAM }));
  }

  async removeNetwork(id: string): Promise<void> {
    const user = await this.#userOfNetwork(id);
    if (user !== undefined) throw new NotYet(`network ${id} still has container ${user} attached`);
    await this.#ask(
      `remove network ${id}`,
      (docker) => docker.getNetwork(id).remove(),
      ({ status, text }) => {
        if (/active endpoints/i.test(text)) throw new NotYet(`network ${id} is in use: ${text}`);
        return status === 404 ? gone : undefined;
      },
    );
  }

  async createContainer(spec: ContainerSpec): Promise<'created' | 'name taken'> {
    if (spec.network !== undefined && (await this.findNetworks(spec.network)).length === 0)
      throw new StartOver(`network ${spec.network} of container ${spec.name} is gone`);
    return this.#create(spec.name, spec.volume.name, createOptions(spec));
  }

  async createWriter(spec: WriterSpec): Promise<'created' | 'name taken'> {
    return this.#create(spec.name, spec.volume, writerOptions(spec));
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
      (docker) => docker.getContainer(id).remove({ force: true, v: false }),
      ({ status, text }) => {
        if (status === 409) throw new NotYet(`container ${id} is being removed: ${text}`);
        return status === 404 ? gone : undefined;
      },
    );
  }

  async updateContainer(id: string, { memoryMb, cpus }: ContainerLimits): Promise<void> {
    const held = (await this.findMemoryInUse(id)) ?? 0; // A kernel of today takes a limit below it, and kills.
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

  async writeFiles(id: string, directory: string, files: readonly OwnedFile[]): Promise<void> {
    const archive = await pack(files);
    await this.#ask(`write into ${directory} of container ${id}`, (docker) =>
      docker.getContainer(id).putArchive(archive, { path: directory }),
    );
  }

  async readFile(id: string, path: string): Promise<string | undefined> {
    const archive = await this.#readArchive(id, path);
    return archive && (await unpackOne(archive, path)).text;
  }

  async findOwner(id: string, path: string): Promise<FileOwner | undefined> {
    const archive = await this.#readArchive(id, path);
    return archive && (await unpackOne(archive, path)).owner;
  }

  async #readArchive(id: string, path: string): Promise<Buffer | undefined> {
    const errand = { what: `read ${path} of container ${id}`, limitMs: callMs };
    const stream = await this.#ask(
      errand.what,
      (docker) => docker.getContainer(id).getArchive({ path }),
      (answer) => (answer.status === 404 && !isContainerGone(answer) ? gone : undefined),
    );
    if (stream === gone) return undefined;
    const chunks: Buffer[] = [];
    let taken = 0;
    await readAll(this.#at, errand, stream, (chunk) => {
      taken += chunk.length;
      if (taken > fileBytes) throw new Refused(`${path} of container ${id} is larger than ${fileBytes} bytes`);
      chunks.push(chunk);
    });
    return Buffer.concat(chunks);
  }

  async exec(id: string, { command, input, timeoutMs }: ExecRequest): Promise<ExecResult> {
    return runExec(this.#at, id, { command, input, timeoutMs });
  }

  async runErrand(spec: ErrandSpec): Promise<ExecResult> {
    return this.#runToEnd(spec, errandOptions(spec));
  }

  async lastLog(id: string, lines: number): Promise<string> {
    const log = await this.#ask(`read the log of container ${id}`, (docker) =>
      docker.getContainer(id).logs({ stdout: true, stderr: true, tail: lines, follow: false }),
    );
    const demultiplexer = new Demultiplexer(`the log of container ${id}`, log.length);
    demultiplexer.take(log);
    return plainLines(demultiplexer.merged(), logCharacters);
  }

  async listMarked(): Promise<Marked[]> {
    const filters = { label: ['creel.deployment'] };
    const [containers, volumes, networks] = await Promise.all([
      this.#ask('list containers', (docker) => docker.listContainers({ all: true, filters })),
      this.#ask('list volumes', (docker) => docker.listVolumes({ filters })),
      this.#ask('list networks', (docker) => docker.listNetworks({ filters })),
    ]);
    return [
      ...read(listedForm, containers, 'list containers').map(({ Id, Names, Labels }) =>
        marked('container', Names[0]?.slice(1) ?? Id, Labels),
      ),
      ...read(z.array(volumeForm), volumes.Volumes ?? [], 'list volumes').map(({ Name, Labels }) =>
        marked('volume', Name, Labels),
      ),
      ...read(networksForm, networks, 'list networks').map(({ Name, Labels }) => marked('network', Name, Labels)),
    ];
  }

  /** Asks once; `judge` gives the result for an answer that is an error, throws its kind, or leaves it by answering undefined. */
  async #ask<T, U = never>(
    what: string,
    run: (docker: Dockerode) => Promise<T>,
    judge: (answer: Answer) => U | undefined = () => undefined,
    limitMs = callMs,
  ): Promise<T | U> {
    try {
      return await request(this.#at, { what, limitMs }, run);
    } catch (error) {
      const answer = answerOf(error);
      const judged = answer && judge(answer);
      if (judged !== undefined) return judged;
      throw unexpected(error, what);
    }
  }

  async #create(name: string, volume: string, options: ContainerCreateOptions): Promise<'created' | 'name taken'> {
    await this.#demandVolume(volume, name);
    return (await this.#createNamed(name, options)) === 'name taken' ? 'name taken' : 'created';
  }

  async #demandVolume(volume: string, container: string): Promise<void> {
    if (!(await this.findVolume(volume))) throw new StartOver(`volume ${volume} of container ${container} is gone`);
  }

  async #createNamed(name: string, options: ContainerCreateOptions): Promise<{ readonly id: string } | 'name taken'> {
    return this.#ask(
      `create container ${name}`,
      (docker) => docker.createContainer(options).then(({ id }) => ({ id })),
      ({ status, text }) => {
        if (status === 404) throw new StartOver(`container ${name} cannot be created, a part of it is gone: ${text}`);
        return status === 409 ? ('name taken' as const) : undefined;
      },
    );
  }

  /** What is known to be another copy's is never joined; what the copier ended with, where that is an answer. */
  async #copy(way: Way, copy: VolumeCopy): Promise<number> {
    const { spec, options } = copyErrand(way, copy);
    const known = await this.findContainer(spec.name);
    const found = known && { ...known, sameCommand: await this.#hasCommand(known.id, spec.command) };
    const next = meetCopier(found, way, spec.labels);
    if (next === 'wait') throw new NotYet(`${spec.name} is at another copy of volume ${copy.state}`);
    if (known && next === 'end') await this.removeContainer(known.id);
    const id =
      known && next === 'join' ? known.id : await this.#startErrand(spec, options, () => this.#demandAlone(copy));
    const { exitCode, stderr } = await this.#takeEnd(spec, id);
    const answers = way === 'save' ? [0, tornState] : [0, nothingSaved];
    if (answers.includes(exitCode)) return exitCode;
    throw copyFailure(way, copy.state, exitCode, stderr);
  }

  /**
   * Asked when the copier stands there and has not begun: whatever starts a container of the gateway makes it first and looks for a
   * copier then, so one of the two sees the other, however long either sleeps (docs/decisions/0007).
   */
  async #demandAlone({ state, copier, gateway }: VolumeCopy): Promise<void> {
    if (await this.findContainer(gateway)) throw new NotYet(`volume ${state} belongs to container ${gateway} again`);
    const filters = { volume: [state], status: ['running', 'paused', 'restarting'] };
    const users = await this.#ask(`list containers of volume ${state}`, (docker) => docker.listContainers({ filters }));
    const user = users.map(({ Names }) => Names[0]?.slice(1)).find((name) => name !== copier);
    if (user !== undefined) throw new NotYet(`volume ${state} is in use by container ${user}`);
  }

  /** Whether a container was made with this command, whatever the image puts before it. */
  async #hasCommand(id: string, [, ...told]: readonly string[]): Promise<boolean> {
    const { command } = (await this.findProcess(id)) ?? { command: [] };
    return isDeepStrictEqual(command.slice(-told.length), told);
  }

  /** An errand under way, or ended and not yet taken, is the same errand when it has the same labels and command. */
  async #runToEnd(spec: ErrandSpec, options: ContainerCreateOptions): Promise<ExecResult> {
    const known = await this.findContainer(spec.name);
    const same =
      known !== undefined &&
      known.state !== 'created' &&
      Object.entries(spec.labels).every(([key, value]) => known.labels[key] === value) &&
      (await this.#hasCommand(known.id, spec.command));
    if (known && !same && isCopying(known)) throw new NotYet(`${spec.name} is at a copy`);
    if (known && !same) await this.removeContainer(known.id);
    return this.#takeEnd(spec, same ? known.id : await this.#startErrand(spec, options, async () => undefined));
  }

  /** Waits for this very container, whoever has its name by then, and takes it away with what it said. */
  async #takeEnd(spec: ErrandSpec, id: string): Promise<ExecResult> {
    const ended: { StatusCode: number } = await this.#ask(
      `wait for container ${spec.name}`,
      (docker) => docker.getContainer(id).wait(),
      () => undefined,
      spec.limitMs,
    );
    const log = await this.#ask(`read the output of container ${spec.name}`, (docker) =>
      docker.getContainer(id).logs({ stdout: true, stderr: true, tail: errandLines, follow: false }),
    );
    const demultiplexer = new Demultiplexer(`the output of container ${spec.name}`, log.length);
    demultiplexer.take(log);
    await this.removeContainer(id);
    const { stdout, stderr } = demultiplexer.output();
    if (ended.StatusCode !== 0 && isDiskFull(stderr)) throw diskFull(`run container ${spec.name}`, stderr.slice(-300));
    return { exitCode: ended.StatusCode, stdout, stderr };
  }

  /** Made, then asked whether it may begin, then started as the very container that was made: one that was removed meanwhile never runs. */
  async #startErrand(spec: ErrandSpec, options: ContainerCreateOptions, demand: () => Promise<void>): Promise<string> {
    for (const { volume } of spec.mounts) await this.#demandVolume(volume, spec.name);
    const created = await this.#createNamed(spec.name, options);
    if (created === 'name taken') throw new NotYet(`container ${spec.name} is being made by another attempt`);
    try {
      await demand();
    } catch (error) {
      await this.removeContainer(created.id);
      throw error;
    }
    await this.startContainer(created.id);
    return created.id;
  }

  /** A container that will be on the network when it starts counts as attached, which the engine itself does not see. */
  async #userOfNetwork(id: string): Promise<string | undefined> {
    const network = await this.#ask(
      `look for network ${id}`,
      (docker) => docker.getNetwork(id).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (network === gone) return undefined;
    const name: string = network.Name;
    const users = await this.#ask(`list containers of network ${name}`, (docker) =>
      docker.listContainers({ all: true, filters: { network: [name] } }),
    );
    const user = users.find(({ NetworkSettings: { Networks } }) => {
      const attached = Networks[name]?.NetworkID;
      return attached === '' || attached === id;
    });
    return user?.Names[0]?.slice(1);
  }
}

const gone = Symbol('gone');

const states = ['created', 'running', 'restarting', 'paused', 'exited'] as const;

function stateOf(status: string): Container['state'] {
  return states.find((each) => each === status) ?? 'other';
}

function marked(kind: Marked['kind'], name: string, labels: Labels): Marked {
  return { kind, name, labels };
}
