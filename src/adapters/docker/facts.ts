import { z } from 'zod';
import type { EngineFacts } from '../../domain/hosts/engine.js';

/** What `GET /info` must say, from Docker 20.10 to 29. Older kernels leave limits out, which means no. */
export const infoForm = z.object({
  ID: z.string(),
  Architecture: z.string(),
  NCPU: z.number(),
  MemTotal: z.number(),
  DockerRootDir: z.string(),
  Driver: z.string(),
  DriverStatus: z.array(z.array(z.string())).nullish(),
  CgroupVersion: z.string().optional(),
  SecurityOptions: z.array(z.string()).nullish(),
  OSType: z.string().optional(),
  MemoryLimit: z.boolean().optional(),
  CpuCfsQuota: z.boolean().optional(),
  PidsLimit: z.boolean().optional(),
  SystemTime: z.string().optional(),
});

/** What `GET /networks/bridge` must say. */
export const defaultNetworkForm = z.object({ Created: z.string() });

export type EngineInfo = z.infer<typeof infoForm>;

/** What `GET /version` must say. Podman names itself among its components. */
export const versionForm = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string().optional() })).nullish(),
});

/** The engine that gave these two answers. */
export function engineFacts(info: EngineInfo, version: z.infer<typeof versionForm>): EngineFacts {
  const podman = (version.Components ?? []).find(({ Name }) => /podman/i.test(Name));
  return {
    product: podman ? 'Podman' : 'Docker',
    version: podman?.Version ?? version.Version,
    apiVersion: version.ApiVersion,
    store: usesContainerd(info) ? `${info.Driver} of containerd` : info.Driver,
    cgroup: info.CgroupVersion,
    mode: modeOf(info.SecurityOptions ?? []),
    os: info.OSType ?? 'linux',
    limits: {
      memory: info.MemoryLimit === true,
      cpus: info.CpuCfsQuota === true,
      processes: info.PidsLimit === true,
    },
  };
}

/** Whether the images are containerd's: the driver is then one of its snapshotters. */
export function usesContainerd({ DriverStatus }: EngineInfo): boolean {
  return (DriverStatus ?? []).some(
    ([name, value]) => name === 'driver-type' && /containerd\.snapshotter/.test(value ?? ''),
  );
}

function modeOf(options: readonly string[]): EngineFacts['mode'] {
  const has = (name: string) => options.some((option) => option.split(',').includes(`name=${name}`));
  if (has('rootless')) return 'rootless';
  return has('userns') ? 'userns-remap' : 'root';
}
