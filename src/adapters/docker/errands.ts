import { isDeepStrictEqual } from 'node:util';
import type { ContainerCreateOptions } from 'dockerode';
import { isCopying, meetCopier, type Way } from '../../domain/changes/copying.js';
import { NotYet } from '../../domain/errors.js';
import type { ErrandSpec, ExecResult, VolumeCopy } from '../../ports/docker-engine.js';
import type { Ask } from './ask.js';
import type { Containers } from './containers.js';
import { copyFailure, tornRefusal } from './copy-errors.js';
import { copyErrand, errandOptions, nothingSaved, tornState } from './errand.js';
import { diskFull, isDiskFull } from './errors.js';
import { Demultiplexer } from './stream.js';
import { demandVolume, type Volumes } from './volumes.js';

/** How many lines of an errand's output are read at most. */
const errandLines = 1_000;

/** Containers that do one thing and then go: a command on a volume, or a copy between two. */
export class Errands {
  readonly #ask: Ask;
  readonly #containers: Containers;
  readonly #volumes: Volumes;

  constructor(ask: Ask, containers: Containers, volumes: Volumes) {
    this.#ask = ask;
    this.#containers = containers;
    this.#volumes = volumes;
  }

  async runErrand(spec: ErrandSpec): Promise<ExecResult> {
    return this.#runToEnd(spec, errandOptions(spec));
  }

  async saveVolume(copy: VolumeCopy): Promise<void> {
    if ((await this.#copy('save', copy)) === tornState) throw tornRefusal(copy.state);
  }

  async restoreVolume(copy: VolumeCopy): Promise<'restored' | 'nothing saved'> {
    return (await this.#copy('restore', copy)) === nothingSaved ? 'nothing saved' : 'restored';
  }

  /** Joins an errand that is under way, or whose result nobody has taken, if it has the same labels and command. */
  async #runToEnd(spec: ErrandSpec, options: ContainerCreateOptions): Promise<ExecResult> {
    const known = await this.#containers.findContainer(spec.name);
    const same =
      known !== undefined &&
      known.state !== 'created' &&
      Object.entries(spec.labels).every(([key, value]) => known.labels[key] === value) &&
      (await this.#hasCommand(known.id, spec.command));
    if (known && !same && isCopying(known)) throw new NotYet(`${spec.name} is at a copy`);
    if (known && !same) await this.#containers.removeContainer(known.id);
    return this.#takeEnd(spec, same ? known.id : await this.#startErrand(spec, options, async () => undefined));
  }

  /** Copies, never joining another copy; returns the copier's exit code where that is an answer. */
  async #copy(way: Way, copy: VolumeCopy): Promise<number> {
    const { spec, options } = copyErrand(way, copy);
    const known = await this.#containers.findContainer(spec.name);
    const found = known && { ...known, sameCommand: await this.#hasCommand(known.id, spec.command) };
    const next = meetCopier(found, way, spec.labels);
    if (next === 'wait') throw new NotYet(`${spec.name} is at another copy of volume ${copy.state}`);
    if (known && next === 'end') await this.#containers.removeContainer(known.id);
    const id =
      known && next === 'join' ? known.id : await this.#startErrand(spec, options, () => this.#demandAlone(copy));
    const { exitCode, stderr } = await this.#takeEnd(spec, id);
    const answers = way === 'save' ? [0, tornState] : [0, nothingSaved];
    if (answers.includes(exitCode)) return exitCode;
    throw copyFailure(way, copy.state, exitCode, stderr);
  }

  /**
   * Checked when the copier exists but has not begun: whatever starts a container of the gateway makes that first and
   * then looks for a copier, so one of the two sees the other, however long either sleeps (docs/decisions/0007).
   */
  async #demandAlone({ state, copier, gateway }: VolumeCopy): Promise<void> {
    if (await this.#containers.findContainer(gateway))
      throw new NotYet(`volume ${state} belongs to container ${gateway} again`);
    const filters = { volume: [state], status: ['running', 'paused', 'restarting'] };
    const users = await this.#ask(`list containers of volume ${state}`, (docker) => docker.listContainers({ filters }));
    const user = users.map(({ Names }) => Names[0]?.slice(1)).find((name) => name !== copier);
    if (user !== undefined) throw new NotYet(`volume ${state} is in use by container ${user}`);
  }

  /** Whether a container was made with this command, whatever the image puts before it. */
  async #hasCommand(id: string, [, ...told]: readonly string[]): Promise<boolean> {
    const { command } = (await this.#containers.findProcess(id)) ?? { command: [] };
    return isDeepStrictEqual(command.slice(-told.length), told);
  }

  /** Waits for this very container, even if its name has passed to another, and removes it after reading its output. */
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
    await this.#containers.removeContainer(id);
    const { stdout, stderr } = demultiplexer.output();
    if (ended.StatusCode !== 0 && isDiskFull(stderr)) throw diskFull(`run container ${spec.name}`, stderr.slice(-300));
    return { exitCode: ended.StatusCode, stdout, stderr };
  }

  /**
   * Made, then asked whether it may begin, then started by the id of the container that was made: one that was removed
   * meanwhile never runs.
   */
  async #startErrand(spec: ErrandSpec, options: ContainerCreateOptions, demand: () => Promise<void>): Promise<string> {
    for (const { volume } of spec.mounts) await demandVolume(this.#volumes, volume, spec.name);
    const created = await this.#containers.create(spec.name, options);
    if (created === 'name taken') throw new NotYet(`container ${spec.name} is being made by another attempt`);
    try {
      await demand();
    } catch (error) {
      await this.#containers.removeContainer(created.id);
      throw error;
    }
    await this.#containers.startContainer(created.id);
    return created.id;
  }
}
