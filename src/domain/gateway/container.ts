import type { Environment } from '../environment/environment.js';
import { canonical, type GatewaySpec } from './spec.js';
import { insidePort, stateDirectory } from './config.js';
import { egressEnvironment, egressMark, straightOut, type Egress } from '../hosts/egress.js';
import { markLabels, names, type Gateway, type Labels } from './gateway.js';
import { replacementLabel, replacementNames } from '../changes/replacement.js';
import { healthIntervalMs, healthRetries, healthTimeoutMs, startPeriodMs } from '../thresholds.js';

/**
 * `unless-stopped` is what older versions set: after a crash of the engine, it takes a surviving container for one
 * stopped by hand.
 */
export type RestartPolicy = 'no' | 'unless-stopped' | 'always';

/** A container as creel asks for it, in our words; the engine's adapter translates. */
export type ContainerSpec = {
  readonly name: string;
  readonly hostname: string;
  readonly imageId: string;
  readonly labels: Labels;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly cpus: number;
  /** No network at all when absent. */
  readonly network?: string;
  readonly publish?: { readonly hostIp: '127.0.0.1'; readonly hostPort: number; readonly port: number };
  readonly volume: { readonly name: string; readonly target: string };
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly restartPolicy: RestartPolicy;
  readonly health: {
    readonly command: readonly string[];
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly startPeriodMs: number;
    readonly retries: number;
  };
};

const healthScript = `fetch('http://127.0.0.1:${insidePort}/healthz').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))`;

/**
 * The gateway's container: stable hostname (another one would block the state for five minutes, T1), init (T2),
 * published on 127.0.0.1 only (S4-14), limits without swap (S0-23), read-only root with the two tmpfs a gateway needs,
 * no capabilities, rotated logs, restart policy `no` until it is ready. No secret is in it.
 */
export function gatewayContainer(
  gateway: Gateway,
  imageId: string,
  port: number,
  egress: Egress = straightOut,
): ContainerSpec {
  const own = names(gateway.mark);
  const { memoryMb, cpus } = gateway.spec;
  const wanted = environmentFor(gateway.spec);
  const shape = { imageId, memoryMb, cpus, port, ...(wanted && { environment: wanted }) };
  return {
    name: own.container,
    hostname: own.hostname,
    imageId,
    labels: {
      ...markLabels(gateway.mark),
      'creel.release': gateway.spec.release,
      'creel.shape': canonical(shape),
      ...egressMark(egress),
      ...(gateway.replacement !== undefined && { [replacementLabel]: String(gateway.replacement) }),
    },
    command: ['node', 'openclaw.mjs', 'gateway'],
    environment: { HOME: '/home/node', ...wanted, ...egressEnvironment(egress) },
    memoryMb: shape.memoryMb,
    cpus: shape.cpus,
    network: own.network,
    publish: { hostIp: '127.0.0.1', hostPort: port, port: insidePort },
    volume: { name: own.volume, target: stateDirectory },
    tmpfs: {
      '/tmp': 'rw,nosuid,nodev,mode=1777',
      '/home/node/.cache': 'rw,uid=1000,gid=1000,mode=700',
    },
    restartPolicy: 'no',
    health: {
      command: ['node', '-e', healthScript],
      intervalMs: healthIntervalMs,
      timeoutMs: healthTimeoutMs,
      startPeriodMs,
      retries: healthRetries,
    },
  };
}

/** What a spec wants in the environment of its container; undefined for nothing. */
function environmentFor({ timezone, environment }: GatewaySpec): Environment | undefined {
  if (timezone === undefined && environment === undefined) return undefined;
  return { ...environment, ...(timezone !== undefined && { TZ: timezone }) };
}

/**
 * The container of a trial on a copy of the state: another name, no network or port, but the gateway's hostname,
 * because the copy holds the lease of the gateway that runs (T1).
 */
export function trialContainer(gateway: Gateway, imageId: string, labels: Labels, egress: Egress): ContainerSpec {
  const own = replacementNames(gateway.mark);
  const { network: _network, publish: _publish, ...spec } = gatewayContainer(gateway, imageId, 0, egress);
  const volume = { ...spec.volume, name: own.trial };
  return { ...spec, name: own.rehearsal, labels: { ...markLabels(gateway.mark), ...labels }, volume };
}

/**
 * Whether a container that has ended was told to, by its engine or by a person. A gateway that stops on request exits
 * with 0, or with 143 before it listens for that, and one that outlives the request is killed (137). By itself it ends
 * with 1 or 78.
 */
export function endedByRequest({
  state,
  exitCode,
  outOfMemory,
}: {
  state: string;
  exitCode: number;
  outOfMemory: boolean;
}): boolean {
  return state === 'exited' && !outOfMemory && [0, 137, 143].includes(exitCode);
}
