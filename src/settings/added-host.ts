import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Refused } from '../domain/errors.js';
import type { SshHost } from '../domain/hosts/ssh-host.js';
import { readHosts, type HostsFile } from './hosts.js';

/** `Refused` when the file names a host of this name already, or cannot be read as it is. */
export function demandNewHost({ named, usual }: HostsFile, name: string): void {
  const file = named ?? usual;
  if (readKnown({ named, usual }).some((host) => host.name === name))
    throw new Refused(`${file} names a host ${name} already: change it there`);
}

/** Adds a host to the file, whole or not at all, and makes the file where there is none. */
export function addHost(where: HostsFile, host: SshHost): string {
  demandNewHost(where, host.name);
  const file = where.named ?? where.usual;
  const before = textOf(file);
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${before === '' || before.endsWith('\n') ? before : `${before}\n`}${tableOf(host)}`);
  renameSync(draft, file);
  return file;
}

function readKnown({ named, usual }: HostsFile): readonly SshHost[] {
  const file = named ?? usual;
  return textOf(file) === '' ? [] : readHosts(named, usual);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new Refused(`${file} could not be read`, { cause: error });
  }
}

function tableOf({ name, user, address, port, hostKey, identityFile, socketPath }: SshHost): string {
  const at = address.includes(':') ? `[${address}]` : address;
  const fields = {
    name,
    ssh: `${user}@${at}:${port}`,
    host_key: `${hostKey.type} ${hostKey.base64}`,
    identity: identityFile,
    socket: socketPath,
  };
  const lines = Object.entries(fields).map(([field, value]) => `${field} = ${JSON.stringify(value)}\n`);
  return `\n[[host]]\n${lines.join('')}`;
}
