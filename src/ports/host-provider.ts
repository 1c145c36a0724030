import type { EngineFacts } from '../domain/hosts/engine.js';
import type { Place } from '../domain/hosts/place.js';
import type { Route } from '../domain/hosts/slot.js';

export type HostFacts = {
  /** Identifies the engine behind the host: another one under the same address is another host. */
  readonly engineId: string;
  readonly engine: EngineFacts;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryMb: number;
  /** What programs could have of it now. Undefined where that cannot be seen from here. */
  readonly availableMemoryMb: number | undefined;
  /** What is free where the engine keeps states and images, and is scarcest. Undefined where none of it can be seen from here (an engine in a virtual machine). */
  readonly freeDiskBytes: number | undefined;
  /** The directory in which that is. */
  readonly fullestDirectory: string | undefined;
  /** Directories that the engine fills, and nobody here can see how far. */
  readonly unseenDirectories: readonly string[];
  /** Where the host reaches other networks, its default route left out. Undefined where that cannot be seen from here. */
  readonly routes: readonly Route[] | undefined;
  /** inotify instances that the user of all gateways may have, and has, if all can be seen. Undefined where the kernel cannot be asked. */
  readonly watchers: { readonly limit: number; readonly used: number | undefined } | undefined;
};

/** The machines that gateways live on. */
export interface HostProvider {
  /** What the host has. An engine that does not answer is `NotYet`, naming where it was asked; another one than the place names is `Foreign`. */
  readHost(place: Place): Promise<HostFacts>;
  /** Whether something on the host listens on 127.0.0.1:port already. */
  isPortTaken(place: Place, port: number): Promise<boolean>;
}
