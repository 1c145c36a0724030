import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { Refused } from '../../domain/errors.js';
import type { FileOwner, OwnedFile } from '../../ports/docker-engine.js';

/**
 * An archive of files that have owner and mode from the moment they exist; the group has the owner's number. A directory
 * on the way to one is its owner's alone.
 */
export async function pack(files: readonly OwnedFile[]): Promise<Buffer> {
  const archive = tar.pack();
  const packed = buffer(archive);
  for (const { path, content, mode, uid } of files) {
    const above = posix.dirname(path);
    if (above !== '.') archive.entry({ name: above, type: 'directory', mode: 0o700, uid, gid: uid });
    archive.entry({ name: path, mode, uid, gid: uid }, content);
  }
  archive.finalize();
  return packed;
}

/** The single file in an archive: its text and its owner. Anything but a file is `Refused`. */
export async function unpackOne(archive: Buffer, path: string): Promise<{ text: string; owner: FileOwner }> {
  const extract = tar.extract();
  Readable.from([archive]).pipe(extract);
  for await (const entry of extract) {
    if (entry.header.type !== 'file') throw new Refused(`${path} is a ${entry.header.type}, not a file`);
    const { uid, mode } = entry.header;
    return { text: (await buffer(entry)).toString('utf8'), owner: { uid, mode: mode & 0o7777 } };
  }
  throw new Refused(`${path} came as an empty archive`);
}
