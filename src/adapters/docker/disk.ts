import { readFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import { usesContainerd, type EngineInfo } from './facts.js';

/** Where containerd keeps what it has, unless its config says otherwise. */
const containerdConfig = '/etc/containerd/config.toml';
const containerdRoot = '/var/lib/containerd';

export type Disk = {
  /** Free bytes on the fullest disk; undefined when no directory of the engine can be seen from here. */
  readonly freeBytes: number | undefined;
  readonly directory: string | undefined;
  /** Directories of the engine that are not on this machine, or that this process may not see. */
  readonly unseen: readonly string[];
};

/** The disks that an engine fills: its own root, and the root of a system containerd when that keeps the images. */
export async function engineDisk(info: EngineInfo): Promise<Disk> {
  const directories = [info.DockerRootDir, ...(await imageDirectory(info))];
  const seen = await Promise.all(
    directories.map(async (directory) => ({ directory, freeBytes: await freeBytes(directory) })),
  );
  const known = seen.flatMap(({ directory, freeBytes: free }) =>
    free === undefined ? [] : [{ directory, freeBytes: free }],
  );
  const [scarcest] = known.toSorted((a, b) => a.freeBytes - b.freeBytes);
  const unseen = seen.filter((each) => each.freeBytes === undefined).map(({ directory }) => directory);
  return { freeBytes: scarcest?.freeBytes, directory: scarcest?.directory, unseen };
}

/** A containerd started by the engine lies below the engine's root; one of the system has a root of its own. */
async function imageDirectory(info: EngineInfo): Promise<string[]> {
  if (!usesContainerd(info)) return [];
  const own = path.join(info.DockerRootDir, 'containerd', 'daemon');
  return (await freeBytes(own)) === undefined ? [await configuredRoot()] : [];
}

async function configuredRoot(): Promise<string> {
  try {
    const config = await readFile(containerdConfig, 'utf8');
    return /^root *= *["']([^"']+)["']/m.exec(config)?.[1] ?? containerdRoot;
  } catch {
    return containerdRoot;
  }
}

/** Undefined when the directory is not on this file system, as with an engine in a virtual machine. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
