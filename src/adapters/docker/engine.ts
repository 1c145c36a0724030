import type { Readable } from 'node:stream';
import type { ContainerSpec, RestartPolicy } from '../../domain/gateway/container.js';
import { StartOver } from '../../domain/errors.js';
import type { Labels } from '../../domain/gateway/gateway.js';
import type {
  ContainerLimits,
  DockerEngine,
  ErrandSpec,
  ExecRequest,
  FenceTrial,
  LogWish,
  OwnedFile,
  Volume,
  VolumeCopy,
  WriterSpec,
} from '../../ports/docker-engine.js';
import { asking, type Ask } from './ask.js';
import type { EngineAt } from './call.js';
import { ContainerFiles } from './container-files.js';
import { createOptions, writerOptions } from './container.js';
import { Containers } from './containers.js';
import { Errands } from './errands.js';
import { runExec } from './exec.js';
import { FenceTrials } from './fence-trials.js';
import { Images } from './images.js';
import { openLog } from './log.js';
import { listMarked, listUnmarked } from './marked.js';
import { Networks } from './networks.js';
import { listPulled, markPulled, removePulled } from './pulled.js';
import { demandVolume, Volumes } from './volumes.js';

/** A Docker engine behind a Unix socket. The API version is negotiated; `DOCKER_HOST` and its relatives are ignored. */
export class DockerodeEngine implements DockerEngine {
  readonly #at: EngineAt;
  readonly #ask: Ask;
  readonly #images: Images;
  readonly #volumes: Volumes;
  readonly #networks: Networks;
  readonly #containers: Containers;
  readonly #files: ContainerFiles;
  readonly #errands: Errands;

  constructor(at: EngineAt) {
    this.#at = at;
    this.#ask = asking(at);
    this.#images = new Images(at, this.#ask);
    this.#volumes = new Volumes(this.#ask);
    this.#networks = new Networks(this.#ask);
    this.#containers = new Containers(this.#ask);
    this.#files = new ContainerFiles(at, this.#ask);
    this.#errands = new Errands(this.#ask, this.#containers, this.#volumes);
  }

  findImage(reference: string) {
    return this.#images.findImage(reference);
  }

  pullImage(reference: string, say: (sentence: string) => void) {
    return this.#images.pullImage(reference, say);
  }

  removeImage(reference: string) {
    return this.#images.removeImage(reference);
  }

  markPulled(reference: string, deployment: string) {
    return markPulled(this.#ask, reference, deployment);
  }

  listPulled(deployment: string) {
    return listPulled(this.#ask, deployment);
  }

  removePulled(id: string, deployment: string) {
    return removePulled(this.#ask, id, deployment);
  }

  saveImage(reference: string) {
    return this.#images.saveImage(reference);
  }

  loadImage(reference: string, saved: Readable, say: (sentence: string) => void) {
    return this.#images.loadImage(reference, saved, say);
  }

  createVolume(volume: Volume) {
    return this.#volumes.createVolume(volume);
  }

  findVolume(name: string) {
    return this.#volumes.findVolume(name);
  }

  removeVolume(name: string) {
    return this.#volumes.removeVolume(name);
  }

  saveVolume(copy: VolumeCopy) {
    return this.#errands.saveVolume(copy);
  }

  restoreVolume(copy: VolumeCopy) {
    return this.#errands.restoreVolume(copy);
  }

  createNetwork(network: { name: string; labels: Labels; subnet: string }) {
    return this.#networks.createNetwork(network);
  }

  findNetworks(name: string) {
    return this.#networks.findNetworks(name);
  }

  removeNetwork(id: string) {
    return this.#networks.removeNetwork(id);
  }

  async createContainer(spec: ContainerSpec): Promise<'created' | 'name taken'> {
    if (spec.network !== undefined && (await this.findNetworks(spec.network)).length === 0)
      throw new StartOver(`network ${spec.network} of container ${spec.name} is gone`);
    await demandVolume(this.#volumes, spec.volume.name, spec.name);
    return created(await this.#containers.create(spec.name, createOptions(spec)));
  }

  async createWriter(spec: WriterSpec): Promise<'created' | 'name taken'> {
    await demandVolume(this.#volumes, spec.volume, spec.name);
    return created(await this.#containers.create(spec.name, writerOptions(spec)));
  }

  findContainer(name: string) {
    return this.#containers.findContainer(name);
  }

  renameContainer(id: string, name: string) {
    return this.#containers.renameContainer(id, name);
  }

  findProcess(id: string) {
    return this.#containers.findProcess(id);
  }

  startContainer(id: string) {
    return this.#containers.startContainer(id);
  }

  stopContainer(id: string, graceS: number) {
    return this.#containers.stopContainer(id, graceS);
  }

  unpauseContainer(id: string) {
    return this.#containers.unpauseContainer(id);
  }

  removeContainer(id: string) {
    return this.#containers.removeContainer(id);
  }

  updateContainer(id: string, limits: ContainerLimits) {
    return this.#containers.updateContainer(id, limits);
  }

  findMemoryInUse(id: string) {
    return this.#containers.findMemoryInUse(id);
  }

  setRestartPolicy(id: string, policy: RestartPolicy) {
    return this.#containers.setRestartPolicy(id, policy);
  }

  lastLog(id: string, lines: number) {
    return this.#containers.lastLog(id, lines);
  }

  openLog(id: string, wish: LogWish, over: AbortSignal) {
    return openLog(this.#at, this.#ask, id, wish, over);
  }

  writeFiles(id: string, directory: string, files: readonly OwnedFile[]) {
    return this.#files.writeFiles(id, directory, files);
  }

  readFile(id: string, path: string) {
    return this.#files.readFile(id, path);
  }

  findOwner(id: string, path: string) {
    return this.#files.findOwner(id, path);
  }

  exec(id: string, asked: ExecRequest) {
    return runExec(this.#at, id, asked);
  }

  runErrand(spec: ErrandSpec) {
    return this.#errands.runErrand(spec);
  }

  tryFence(trial: FenceTrial) {
    return new FenceTrials(this.#at).tryFence(trial);
  }

  listTrials(deployment: string) {
    return new FenceTrials(this.#at).list(deployment);
  }

  listMarked() {
    return listMarked(this.#ask);
  }

  listUnmarked() {
    return listUnmarked(this.#ask);
  }
}

function created(made: { readonly id: string } | 'name taken'): 'created' | 'name taken' {
  return made === 'name taken' ? 'name taken' : 'created';
}
