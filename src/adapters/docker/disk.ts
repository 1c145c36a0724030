import { readFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import { usesContainerd, type EngineInfo } from './facts.js';

/** Where containerd keeps what it has, unless its config says otherwise. */
export const containerdConfig = '/etc/containerd/config.toml';
export const containerdRoot = '/var/lib/containerd';

export type Disk = {
  /** Free bytes on the fullest disk; undefined when no directory of the engine can be seen from here. */
  readonly freeBytes: number | undefined;
  readonly directory: string | undefined;
  /** Directories of the engine that are not on this machine, or that this process may not see. */
  readonly unseen: readonly string[];
};

/** How the file system of an engine's machine is seen; undefined where it cannot be. */
export type DiskLook = {
  readonly freeBytes: (directory: string) => Promise<number | undefined>;
  /** What is in the config of its containerd. */
  readonly containerdConfig: () => Promise<string | undefined>;
};

/** The disks that an engine fills: its own root, and the root of a system containerd when that keeps the images. */
export async function engineDisk(info: EngineInfo, look: DiskLook): Promise<Disk> {
  const directories = [info.DockerRootDir, ...(await imageDirectory(info, look))];
  const seen = await Promise.all(
    directories.map(async (directory) => ({ directory, freeBytes: await look.freeBytes(directory) })),
  );
  const known = seen.flatMap(({ directory, freeBytes: free }) =>
    free === undefined ? [] : [{ directory, freeBytes: free }],
  );
  const [scarcest] = known.toSorted((a, b) => a.freeBytes - b.freeBytes);
  const unseen = seen.filter((each) => each.freeBytes === undefined).map(({ directory }) => directory);
  return { freeBytes: scarcest?.freeBytes, directory: scarcest?.directory, unseen };
}

/** A containerd started by the engine keeps its images here. */
export function ownContainerd({ DockerRootDir }: Pick<EngineInfo, 'DockerRootDir'>): string {
  return path.posix.join(DockerRootDir, 'containerd', 'daemon');
}

/** A containerd started by the engine lies below the engine's root; one of the system has a root of its own. */
async function imageDirectory(info: EngineInfo, look: DiskLook): Promise<string[]> {
  if (!usesContainerd(info) || (await look.freeBytes(ownContainerd(info))) !== undefined) return [];
  const config = (await look.containerdConfig()) ?? '';
  return [/^root *= *["']([^"']+)["']/m.exec(config)?.[1] ?? containerdRoot];
}

/** The file system of this machine. */
export const thisDisk: DiskLook = {
  freeBytes,
  containerdConfig: () => readFile(containerdConfig, 'utf8').catch(() => undefined),
};

/** Undefined when the directory is not on this file system, as with an engine in a virtual machine. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
