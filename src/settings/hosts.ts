import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { hostKey, hostName, sshAddress, type SshHost } from '../domain/hosts/ssh-host.js';
import { readTomlFile } from './toml-file.js';

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
  const hosts = readTomlFile(hostsForm, { named, usual }).host.map(
    ({ name, ssh, host_key, identity, socket, engine }) => ({
      name: hostName(name),
      ...sshAddress(ssh),
      hostKey: hostKey(host_key),
      identityFile: resolve(dirname(file), identity),
      socketPath: socket,
      ...(engine !== undefined && { engine }),
    }),
  );
  const twice = hosts.find(({ name }, index) => hosts.findIndex((other) => other.name === name) !== index);
  if (twice) throw new Refused(`${file} has two hosts of the name ${twice.name}`);
  return hosts;
}
