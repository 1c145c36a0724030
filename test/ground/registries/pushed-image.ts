import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Docker from 'dockerode';
import tar from 'tar-stream';
import { foundSocket } from '../found.js';
import type { ImageRegistry } from './image-registry.js';

/**
 * Brings an image of a megabyte that nobody else has into a registry, and answers its reference there, by digest. The
 * engine here does not have it any more.
 */
export async function pushRandom(
  registry: ImageRegistry,
  login: { readonly username: string; readonly password: string },
): Promise<string> {
  const docker = new Docker({ socketPath: foundSocket() });
  const pack = tar.pack();
  pack.entry({ name: 'random' }, randomBytes(1024 * 1024));
  pack.finalize();
  const repo = registry.repository;
  const layer = Readable.from(pack, { objectMode: false });
  await buffer(await docker.importImage(layer, { repo, tag: 'relayed', changes: 'LABEL creel.test=relayed' }));
  const image = docker.getImage(`${repo}:relayed`);
  await buffer(await image.push({ authconfig: { ...login, serveraddress: repo } }));
  const { RepoDigests } = await image.inspect();
  await image.remove();
  const reference = RepoDigests.find((name) => name.startsWith(repo));
  if (reference === undefined) throw new Error(`what was pushed to ${repo} has no digest`);
  return reference;
}
