import type { Place } from '../domain/gateway.js';

export type HostFacts = {
  /** Identifies the engine behind the host: another one under the same address is another host. */
  readonly engineId: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryMb: number;
  /** What programs could have of it now. Undefined where that cannot be seen from here. */
  readonly availableMemoryMb: number | undefined;
  /** Undefined where the engine's disk cannot be seen from here (an engine in a virtual machine). */
  readonly freeDiskBytes: number | undefined;
};

/** The machines that gateways live on. */
export interface HostProvider {
  /** What the host has. An engine that does not answer is `NotYet`, naming where it was asked. */
  readHost(place: Place): Promise<HostFacts>;
  /** Whether something on the host listens on 127.0.0.1:port already. */
  isPortTaken(place: Place, port: number): Promise<boolean>;
}
