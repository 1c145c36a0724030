import type { EngineFacts } from '../domain/hosts/engine.js';
import type { HostOffer } from '../domain/hosts/offer.js';
import type { Place } from '../domain/hosts/place.js';
import type { Route } from '../domain/hosts/slot.js';
import type { HostNetwork } from './docker-engine.js';

export type HostFacts = {
  /** Identifies the engine behind the host: another engine under the same address is another host. */
  readonly engineId: string;
  readonly engine: EngineFacts;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryMb: number;
  /** The memory that programs could get now. Undefined where that cannot be seen from here. */
  readonly availableMemoryMb: number | undefined;
  /**
   * Free bytes on the fullest disk on which the engine keeps states and images. Undefined where none of them can be
   * seen from here (an engine in a virtual machine).
   */
  readonly freeDiskBytes: number | undefined;
  /** The engine's directory on that disk. */
  readonly fullestDirectory: string | undefined;
  /** Directories that the engine fills, on disks that cannot be seen from here. */
  readonly unseenDirectories: readonly string[];
  /** The networks that the host reaches, without its default route. Undefined where that cannot be seen from here. */
  readonly routes: readonly Route[] | undefined;
  /**
   * When the engine began this time, by its own clock (RFC 3339): it makes its default network anew then. Undefined where
   * it has none. One that began while its containers went on (`live-restore`) says when it began before that.
   */
  readonly upSince: string | undefined;
  /** What the engine's own clock showed, in milliseconds since 1970; undefined where it does not say. */
  readonly clockMs: number | undefined;
  /**
   * The inotify instances that the user of all gateways may have, and has, if all can be seen. Undefined where the
   * kernel cannot be asked.
   */
  readonly watchers: { readonly limit: number; readonly used: number | undefined } | undefined;
  readonly offer?: HostOffer;
};

/** The machines that gateways live on. */
export interface HostProvider {
  /**
   * What the host has. An engine that does not answer is `NotYet`, naming where it was asked; an engine other than the
   * place's is `Foreign`.
   */
  readHost(place: Place): Promise<HostFacts>;
  /**
   * The id of the first engine that answers: the one beside this process, else those of its other hosts in their order.
   * `NotYet` when none does.
   */
  findNearest(): Promise<string>;
  /** Whether the launch script of a machine has come to its end there. */
  isPrepared(place: Place): Promise<boolean>;
  /**
   * Whether the rule of a fence is there that keeps neighbours from the host's loopback; undefined where its rules cannot
   * be read from here. `network` is the host's own network namespace, as its engine sees it.
   */
  findLoopbackRule(place: Place, network: HostNetwork): Promise<'there' | 'missing' | undefined>;
  /**
   * Carries out the script of a fence, where the host is this machine and `network` the very one that this process is in;
   * false elsewhere, where nothing is touched. `Refused` where the rules could not be put, with what was said.
   */
  putFence(place: Place, network: HostNetwork, script: string): Promise<boolean>;
  /** Whether something on the host already listens on 127.0.0.1:port. */
  isPortTaken(place: Place, port: number): Promise<boolean>;
}
