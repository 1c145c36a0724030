import type { ContainerCreateOptions, MountConfig } from 'dockerode';
import type { ContainerSpec } from '../../domain/gateway/container.js';
import { markLabels, readMark, type Labels } from '../../domain/gateway/gateway.js';
import type { WriterSpec } from '../../ports/docker-engine.js';

/** S0-23: processes of one container. A gateway has about 30. */
const pidsLimit = 512;

const nanosecondsPerMs = 1_000_000;

/** A gateway's container in the form of a create request to the engine. */
export function createOptions(spec: ContainerSpec): ContainerCreateOptions {
  return {
    name: spec.name,
    Hostname: spec.hostname,
    Image: spec.imageId,
    Labels: { ...spec.labels },
    Cmd: [...spec.command],
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    ...exposed(spec),
    Healthcheck: {
      Test: ['CMD', ...spec.health.command],
      Interval: spec.health.intervalMs * nanosecondsPerMs,
      Timeout: spec.health.timeoutMs * nanosecondsPerMs,
      StartPeriod: spec.health.startPeriodMs * nanosecondsPerMs,
      Retries: spec.health.retries,
    },
    HostConfig: {
      Init: true,
      NetworkMode: spec.network ?? 'none',
      PortBindings: bindings(spec),
      Mounts: mounts(spec.volume.name, spec.volume.target, spec.labels),
      Tmpfs: { ...spec.tmpfs },
      Memory: spec.memoryMb * 1024 ** 2,
      MemorySwap: spec.memoryMb * 1024 ** 2,
      NanoCpus: Math.round(spec.cpus * 1e9),
      PidsLimit: pidsLimit,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      RestartPolicy: { Name: spec.restartPolicy },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
  };
}

function exposed({ publish }: ContainerSpec): Pick<ContainerCreateOptions, 'ExposedPorts'> {
  return publish ? { ExposedPorts: { [`${publish.port}/tcp`]: {} } } : {};
}

function bindings({ publish }: ContainerSpec): Record<string, { HostIp: string; HostPort: string }[]> {
  if (!publish) return {};
  return { [`${publish.port}/tcp`]: [{ HostIp: publish.hostIp, HostPort: String(publish.hostPort) }] };
}

/** A writer in the form of a create request to the engine. Its command is never run. */
export function writerOptions(spec: WriterSpec): ContainerCreateOptions {
  return {
    name: spec.name,
    Image: spec.imageId,
    Labels: { ...spec.labels },
    Cmd: ['true'],
    HostConfig: { NetworkMode: 'none', Mounts: mounts(spec.volume, spec.target, spec.labels) },
  };
}

/**
 * An engine makes a volume that is missing when a container names it. Should one vanish between our look and the
 * create, the volume made in its place carries the mark, and can be found again.
 */
function mounts(volume: string, target: string, labels: Labels): MountConfig {
  const mark = readMark(labels);
  return [
    {
      Type: 'volume',
      Source: volume,
      Target: target,
      VolumeOptions: {
        NoCopy: false,
        Labels: mark ? { ...markLabels(mark) } : {},
        DriverConfig: { Name: 'local', Options: {} },
      },
    },
  ];
}
