import type { Readable } from 'node:stream';
import type { ContainerSpec, RestartPolicy } from '../domain/gateway/container.js';
import type { Labels } from '../domain/gateway/gateway.js';
import type { LogLine } from '../domain/gateway/log.js';
import type { Exception } from '../domain/hosts/fence.js';
import type { Knocked } from '../domain/hosts/fence-trial.js';
import type { Image } from '../domain/release/image.js';
import type { PulledImage } from '../domain/sweep/judge-image.js';
import type { TrialThing } from '../domain/sweep/judge-trial.js';
import type { StateMark } from '../domain/gateway/state-mark.js';

export type Volume = { readonly name: string; readonly labels: Labels };

export type Network = {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly subnets: readonly string[];
};

export type Container = {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly imageId: string;
  /** `restarting`: it ended by itself, and the engine is about to start it again. */
  readonly state: 'created' | 'running' | 'restarting' | 'paused' | 'exited' | 'other';
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  readonly restartPolicy: string;
  /** How often the engine has restarted it after it had ended by itself. */
  readonly restartCount: number;
  readonly startedAt: string;
  /** Its memory limit; 0 means none. */
  readonly memoryMb: number;
  /** Its limit of processors. */
  readonly cpus: number;
};

/** What a container may take of its host; memory is without swap. */
export type ContainerLimits = { readonly memoryMb: number; readonly cpus: number };

export type Process = {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

/** A container that is never started: it only holds a volume open for writing files. */
export type WriterSpec = {
  readonly name: string;
  readonly labels: Labels;
  readonly imageId: string;
  readonly volume: string;
  readonly target: string;
};

/** A copy between a state volume and the volume of a saved state, made by a container of its own. */
export type VolumeCopy = {
  readonly state: string;
  readonly saved: string;
  /** The container that copies. While a container of this name exists, no other copy is made. */
  readonly copier: string;
  /** The gateway's own container name. While a container of this name exists, running or not, no copy begins. */
  readonly gateway: string;
  /** Whose copy it is. Only the same copy, with the same direction and source, is joined. */
  readonly labels: Labels;
  readonly imageId: string;
  /** The mark that the copy writes last. */
  readonly whole: StateMark;
};

/** A command that runs to its end in a container of its own: read-only root, no network, no capabilities. */
export type ErrandSpec = {
  readonly name: string;
  readonly labels: Labels;
  readonly imageId: string;
  readonly command: readonly string[];
  readonly mounts: readonly { readonly volume: string; readonly target: string; readonly readOnly: boolean }[];
  readonly limitMs: number;
};

/** A file by its path below a directory; a directory on the way to it is made, for its owner alone. */
export type OwnedFile = {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly uid: number;
};

export type FileOwner = { readonly uid: number; readonly mode: number };

export type ExecRequest = {
  readonly command: readonly string[];
  /** Written to the command's standard input, which is then closed: this is how a secret gets in. */
  readonly input: string;
  readonly timeoutMs: number;
};

/** What is to be read of a container's log. */
export type LogWish = {
  /** The last so many lines; all when absent. */
  readonly tail?: number;
  /** Nothing that the engine took before (RFC 3339). */
  readonly since?: string;
  /** Goes on with what is said from now on, until the container stops; what it says in the very end may be missing. */
  readonly follow: boolean;
};

export type ExecResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

export type Marked = {
  readonly kind: 'container' | 'volume' | 'network';
  readonly name: string;
  readonly labels: Labels;
};

/** A trial of the fence around an engine's gateways. */
export type FenceTrial = {
  /** Whose it is: one at a time is made for a deployment. */
  readonly deployment: string;
  /** The image that its containers are of: one with Node. */
  readonly imageId: string;
  /** Subnets such as gateways get, of which it takes two that are free. */
  readonly subnets: Iterable<string>;
  /** What gateways are allowed to reach. */
  readonly exceptions: readonly Exception[];
};

/** What became of a trial, and which network namespace of which boot of a kernel the host's is. */
export type FenceTried = { readonly knocked: readonly Knocked[]; readonly host: HostNetwork };

/** A network namespace, as the kernel names it, and the boot of that kernel. */
export type HostNetwork = { readonly boot: string; readonly namespace: string };

/**
 * One host's Docker engine. Every call may be repeated; removing what does not exist is success. An engine that does
 * not answer is `NotYet`; a request it can never grant is `Refused`; anything else is a plain `Error`. Every call ends
 * within a time-out of its own, and when `signal` of the surrounding activity fires.
 */
export interface DockerEngine {
  /** An image by reference, tag or id; where pulls are relayed, one by digest under whichever name it came. */
  findImage(reference: string): Promise<Image | undefined>;
  /**
   * Pulls by digest. A registry that does not answer is `NotYet`; an unknown manifest is `Refused`; an error line in
   * the stream is an error.
   */
  pullImage(reference: string, say: (sentence: string) => void): Promise<void>;

  /** Removes an image by reference. Success if it is gone, or if a container still uses it. */
  removeImage(reference: string): Promise<void>;
  /** Notes on the engine itself that an image was pulled for a deployment, and when; what is not there is not noted. */
  markPulled(reference: string, deployment: string): Promise<void>;
  /** The images that were noted so, and are there. */
  listPulled(deployment: string): Promise<PulledImage[]>;
  /** Removes one of them, but none that a container is of. One that somebody else has named stays for them. */
  removePulled(id: string, deployment: string): Promise<'removed' | 'in use'>;
  /** An image with all its layers, as `loadImage` takes it. */
  saveImage(reference: string): Promise<Readable>;
  /** Takes an image in that another engine has saved; when it returns, it is there by its name. */
  loadImage(reference: string, saved: Readable, say: (sentence: string) => void): Promise<void>;

  /** Creates the volume; an existing one of this name stays as it is, with its old labels. */
  createVolume(volume: Volume): Promise<void>;
  findVolume(name: string): Promise<Volume | undefined>;
  /** A volume that any container names, even one never started, is `NotYet`. */
  removeVolume(name: string): Promise<void>;

  /**
   * Saves what a state volume holds, with owners, modes and times and with the given mark: whole or not at all; what
   * was saved before stays as it is. A container that runs on the volume, one of the gateway's name, and another copy
   * under way are `NotYet`; a missing volume is a `StartOver`. A volume that says it is torn, and anything that no copy
   * can ever read or write, is `Refused`.
   */
  saveVolume(copy: VolumeCopy): Promise<void>;
  /**
   * Makes a state volume exactly what was saved of it, under the same conditions, except that it ends another copy
   * under way. From before the first byte until after the last, the volume's mark says that it is torn.
   */
  restoreVolume(copy: VolumeCopy): Promise<'restored' | 'nothing saved'>;

  /** `name taken`: one of this name exists. `subnet taken`: the subnet overlaps another network. */
  createNetwork(network: {
    name: string;
    labels: Labels;
    subnet: string;
  }): Promise<'created' | 'name taken' | 'subnet taken'>;
  /** All networks of this exact name: an older engine can hold several. */
  findNetworks(name: string): Promise<Network[]>;
  /** A network that still has a container attached is `NotYet`. */
  removeNetwork(id: string): Promise<void>;

  /** A missing image, network or volume is a `StartOver`: an earlier step's work is gone. */
  createContainer(spec: ContainerSpec): Promise<'created' | 'name taken'>;
  /** Creates a container that is never started. */
  createWriter(spec: WriterSpec): Promise<'created' | 'name taken'>;
  findContainer(name: string): Promise<Container | undefined>;
  /** Gives a container another name and keeps its hostname, whether it runs or not. */
  renameContainer(id: string, name: string): Promise<'renamed' | 'name taken'>;
  /** What a container's process was started with; undefined when there is no such container. May carry secrets. */
  findProcess(id: string): Promise<Process | undefined>;
  /** `port taken`: something else listens there. A container that runs already is `running`. */
  startContainer(id: string): Promise<'running' | 'port taken'>;
  /** Asks it to stop, kills it after `graceS` seconds. A stopped or missing container is success. */
  stopContainer(id: string, graceS: number): Promise<void>;
  /** Resumes a paused container; one that is not paused is success. */
  unpauseContainer(id: string): Promise<void>;
  /** Kills and removes, with the volumes that its image declared and nobody named; named ones stay. */
  removeContainer(id: string): Promise<void>;
  /**
   * Gives a container other limits, whether it runs or not, without stopping it. Less memory than it holds is
   * `Refused`.
   */
  updateContainer(id: string, limits: ContainerLimits): Promise<void>;
  /**
   * The memory that a running container holds, without what the kernel could reclaim; undefined where the engine does
   * not say.
   */
  findMemoryInUse(id: string): Promise<number | undefined>;
  setRestartPolicy(id: string, policy: RestartPolicy): Promise<void>;

  /** Writes files below a directory of a container, started or not, with owner and mode from the moment they exist. */
  writeFiles(id: string, directory: string, files: readonly OwnedFile[]): Promise<void>;
  /** The text of a file in a container, started or not; undefined when there is none. */
  readFile(id: string, path: string): Promise<string | undefined>;
  /** Owner and mode of a file in a container, started or not; undefined when there is none. */
  findOwner(id: string, path: string): Promise<FileOwner | undefined>;
  /**
   * Runs a command to its end; output beyond the limit is cut, and is an `Error`. A container that does not run is
   * `NotYet`.
   */
  exec(id: string, request: ExecRequest): Promise<ExecResult>;
  /** Runs an errand to its end and removes its container; one already running under the name is awaited instead. */
  runErrand(spec: ErrandSpec): Promise<ExecResult>;
  /**
   * Knocks from a container of a gateway's network, and from the host's own, at everything that a gateway must not reach
   * and may. Whatever it makes is gone when it ends, however it ends; what a lost process left goes with the next one.
   * Another trial under way is `NotYet`.
   */
  tryFence(trial: FenceTrial): Promise<FenceTried>;
  /** What tries the fence under a deployment now, or was left by a trial that was cut short. */
  listTrials(deployment: string): Promise<readonly TrialThing[]>;
  /** The last lines that a container logged, each made plain. */
  lastLog(id: string, lines: number): Promise<string>;
  /**
   * The log of a container, whether it runs or not, the oldest line first and each as it was said, in pieces, as fast as
   * they are taken. It lasts beyond the activity that opened it, until it is over or the signal fires. A missing
   * container is `NotYet`.
   */
  openLog(id: string, wish: LogWish, over: AbortSignal): Promise<AsyncIterable<readonly LogLine[]>>;

  /** Everything on the engine that carries a mark of any deployment. */
  listMarked(): Promise<Marked[]>;
  /** Everything that is named as creel names things (`isNamedLikeOurs`) and carries no mark of any deployment. */
  listUnmarked(): Promise<Pick<Marked, 'kind' | 'name'>[]>;
}
