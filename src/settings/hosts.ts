import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { hostKey, hostName, sshAddress, type SshHost } from '../domain/hosts/ssh-host.js';
import { notRead } from './not-read.js';

const usualSocket = '/var/run/docker.sock';

const hostsForm = z.strictObject({
  host: z
    .array(
      z.strictObject({
        name: z.string(),
        ssh: z.string(),
        host_key: z.string(),
        identity: z.string(),
        socket: z.string().startsWith('/', 'must be the path of a socket on the host').default(usualSocket),
        engine: z.string().optional(),
      }),
    )
    .default([]),
});

/**
 * The hosts in the named file, or else in the usual place, where a missing file means none; `Refused` with what is
 * wrong in it. A key file is named from the directory of this file, and read when its host is reached.
 */
export function readHosts(named: string | undefined, usual: string): readonly SshHost[] {
  const file = named ?? usual;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (named === undefined && error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw notRead(file, error);
  }
  return parseHosts(text, file);
}

function parseHosts(text: string, file: string): readonly SshHost[] {
  const parsed = hostsForm.safeParse(tomlOf(text, file));
  if (!parsed.success)
    throw new Refused(
      `${file}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  const hosts = parsed.data.host.map(({ name, ssh, host_key, identity, socket, engine }) => ({
    name: hostName(name),
    ...sshAddress(ssh),
    hostKey: hostKey(host_key),
    identityFile: resolve(dirname(file), identity),
    socketPath: socket,
    ...(engine !== undefined && { engine }),
  }));
  const twice = hosts.find(({ name }, index) => hosts.findIndex((other) => other.name === name) !== index);
  if (twice) throw new Refused(`${file} has two hosts of the name ${twice.name}`);
  return hosts;
}

function tomlOf(text: string, file: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    throw new Refused(`${file} is not TOML: ${error instanceof Error ? error.message : String(error)}`);
  }
}
