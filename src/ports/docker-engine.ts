import type { ContainerSpec, RestartPolicy } from '../domain/gateway/container.js';
import type { Labels } from '../domain/gateway/gateway.js';
import type { Image } from '../domain/release/image.js';
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
  /** How often the engine started it again after it had ended by itself. */
  readonly restartCount: number;
  readonly startedAt: string;
  /** Its limit; 0 is none. */
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

/** A container that only holds a volume open for writing files; it is never started. */
export type WriterSpec = {
  readonly name: string;
  readonly labels: Labels;
  readonly imageId: string;
  readonly volume: string;
  readonly target: string;
};

/** A copy between a state volume and the one in which its state is saved, made by a container of its own. */
export type VolumeCopy = {
  readonly state: string;
  readonly snapshot: string;
  /** The container that copies: as long as there is one of this name, nobody else copies. */
  readonly copier: string;
  /** The gateway's own container name. As long as there is a container of this name, running or not, no copy begins. */
  readonly gateway: string;
  /** Whose copy it is: together with its way and its source, only the same copy is joined. */
  readonly labels: Labels;
  readonly imageId: string;
  /** The mark that the copy ends with, written last. */
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

export type OwnedFile = {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly uid: number;
};

export type FileOwner = { readonly uid: number; readonly mode: number };

export type ExecRequest = {
  readonly command: readonly string[];
  /** Written to the command's standard input, which is then closed: the way a secret gets in. */
  readonly input: string;
  readonly timeoutMs: number;
};

export type ExecResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

export type Marked = {
  readonly kind: 'container' | 'volume' | 'network';
  readonly name: string;
  readonly labels: Labels;
};

/**
 * One host's Docker engine. Everything is asked again without harm; what is missing when it should be removed is success.
 * An engine that does not answer is `NotYet`; a request it can never grant is `Refused`; anything else is a plain `Error`.
 * Every call ends within its own time-out and when `signal` of the surrounding activity fires.
 */
export interface DockerEngine {
  /** An image by reference, tag or id. */
  findImage(reference: string): Promise<Image | undefined>;
  /** Pulls by digest. A registry that does not answer is `NotYet`; an unknown manifest is `Refused`; an error line in the stream is an error. */
  pullImage(reference: string, say: (sentence: string) => void): Promise<void>;

  /** Removes an image by reference. One that is gone, or that a container still uses, is success. */
  removeImage(reference: string): Promise<void>;

  /** Creates the volume; one of this name that exists stays as it is, with its old labels. */
  createVolume(volume: Volume): Promise<void>;
  findVolume(name: string): Promise<Volume | undefined>;
  /** A volume that a container names (even one never started) is `NotYet`. */
  removeVolume(name: string): Promise<void>;

  /**
   * Saves what a state volume holds, with owners, modes and times, and with the mark that is given: whole or not at all, and what
   * was saved stays as it is. A container that runs on the volume, one of the gateway's name, and another copy under way are
   * `NotYet`; a missing volume is a `StartOver`. A volume that says it is torn, and what no copy can ever read or write, is `Refused`.
   */
  saveVolume(copy: VolumeCopy): Promise<void>;
  /**
   * Makes a state volume exactly what was saved of it, under the same conditions; another copy under way is ended. From before the
   * first byte until after the last the volume's mark says that it is torn.
   */
  restoreVolume(copy: VolumeCopy): Promise<'restored' | 'nothing saved'>;

  /** `name taken`: one of this name exists. `subnet taken`: the subnet overlaps with another network. */
  createNetwork(network: {
    name: string;
    labels: Labels;
    subnet: string;
  }): Promise<'created' | 'name taken' | 'subnet taken'>;
  /** All networks of this exact name: an older engine can hold several. */
  findNetworks(name: string): Promise<Network[]>;
  /** One that still has a container attached is `NotYet`. */
  removeNetwork(id: string): Promise<void>;

  /** A missing image, network or volume is a `StartOver`: an earlier step's work is gone. */
  createContainer(spec: ContainerSpec): Promise<'created' | 'name taken'>;
  /** Creates a container that is never started. */
  createWriter(spec: WriterSpec): Promise<'created' | 'name taken'>;
  findContainer(name: string): Promise<Container | undefined>;
  /** Gives a container another name and keeps its hostname, whether it runs or not. */
  renameContainer(id: string, name: string): Promise<'renamed' | 'name taken'>;
  /** What a container's process was started with; undefined when there is no such container. It may carry secrets. */
  findProcess(id: string): Promise<Process | undefined>;
  /** `port taken`: something else listens there. A container that runs already is `running`. */
  startContainer(id: string): Promise<'running' | 'port taken'>;
  /** Asks politely, kills after `graceS` seconds. A stopped or missing one is success. */
  stopContainer(id: string, graceS: number): Promise<void>;
  /** Lets a paused container go on; one that is not paused is success. */
  unpauseContainer(id: string): Promise<void>;
  /** Kills and removes, keeping named volumes. */
  removeContainer(id: string): Promise<void>;
  /** Gives a container other limits, whether it runs or not; one that runs goes on. Less memory than it holds is `Refused`. */
  updateContainer(id: string, limits: ContainerLimits): Promise<void>;
  /** Memory that a running container holds, without what the kernel could take back; undefined where the engine does not say. */
  findMemoryInUse(id: string): Promise<number | undefined>;
  setRestartPolicy(id: string, policy: RestartPolicy): Promise<void>;

  /** Writes files below a directory of a container, started or not, with owner and mode set from the start. */
  writeFiles(id: string, directory: string, files: readonly OwnedFile[]): Promise<void>;
  /** The text of a file of a container, started or not; undefined when there is none. */
  readFile(id: string, path: string): Promise<string | undefined>;
  /** Whose a file of a container is, started or not, and its mode; undefined when there is none. */
  findOwner(id: string, path: string): Promise<FileOwner | undefined>;
  /** Runs a command to its end; output over the limit is cut and is an `Error`. A container that does not run is `NotYet`. */
  exec(id: string, request: ExecRequest): Promise<ExecResult>;
  /** Runs an errand to its end and removes its container; one that runs already under the name is waited for instead. */
  runErrand(spec: ErrandSpec): Promise<ExecResult>;
  /** The last lines that a container logged, each made plain. */
  lastLog(id: string, lines: number): Promise<string>;

  /** Everything on the engine that carries a mark of any deployment. */
  listMarked(): Promise<Marked[]>;
}
