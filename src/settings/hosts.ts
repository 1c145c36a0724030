import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { exceptionFrom, type Exception } from '../domain/hosts/fence.js';
import type { HostOffer } from '../domain/hosts/offer.js';
import { hostKey, hostName, sshAddress, type SshHost } from '../domain/hosts/ssh-host.js';
import { directories } from './directories.js';
import { megabytes } from './spec.js';
import { readTomlFile, saidAt } from './toml-file.js';

/** Where an engine listens unless it is said. */
export const usualSocket = '/var/run/docker.sock';

/** What may be promised of a host, as it is written. */
const offerForm = z.strictObject({
  memory: z.string('must be a size in quotes, for example "60 GB"').optional(),
  cpus: z.number('must be a number of processors, for example 16').positive('must be more than 0').optional(),
  disk: z.string('must be a size in quotes, for example "900 GB"').optional(),
  overcommit: z.number('must be a number, for example 4').min(1, 'must be 1 or more').optional(),
  cordoned: z.boolean('must be true or false').optional(),
});

const hostsForm = z.strictObject({
  local: offerForm.optional(),
  ceiling: z
    .strictObject({ gateways: z.int('must be a whole number of gateways').positive('must be more than 0') })
    .optional(),
  fence: z
    .strictObject({
      allow: z.array(z.string('must be a network, for example "10.20.0.5/32:5432"')).default([]),
      put: z.boolean('must be true or false').default(false),
    })
    .optional(),
  host: z
    .array(
      offerForm.extend({
        name: z.string(),
        ssh: z.string(),
        host_key: z.string(),
        identity: z.string().min(1, 'must be the file of a private key'),
        socket: z.string().startsWith('/', 'must be the path of a socket on the host').default(usualSocket),
        engine: z.string().min(1, 'must be the id of an engine, or be left out').optional(),
        pull: z.literal('worker', 'must be "worker", or be left out').optional(),
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
    ({ name, ssh, host_key, identity, socket, engine, pull, ...written }) => ({
      ...saidAt(`${file}: host ${name}`, () => ({
        name: hostName(name),
        ...sshAddress(ssh),
        hostKey: hostKey(host_key),
      })),
      identityFile: resolve(dirname(file), identity),
      socketPath: socket,
      ...(engine !== undefined && { engine }),
      ...(pull !== undefined && { pull }),
      ...offerOf(written, `${file}: host ${name}`),
    }),
  );
  const twice = hosts.find(({ name }, index) => hosts.findIndex((other) => other.name === name) !== index);
  if (twice) throw new Refused(`${file} has two hosts of the name ${twice.name}`);
  return hosts;
}

/** The file that the environment names, and the usual one. */
export type HostsFile = { readonly named: string | undefined; readonly usual: string };

/** Where the hosts of a worker in this environment are named. */
export function hostsFile(env: NodeJS.ProcessEnv): HostsFile {
  return { named: env['CREEL_HOSTS'] || undefined, usual: join(directories(env).config, 'hosts.toml') };
}

/** What may be promised of the machine beside a worker, from the table [local] of the same file. */
export function readLocalOffer(named: string | undefined, usual: string): HostOffer {
  const { local = {} } = readTomlFile(hostsForm, { named, usual });
  return offerOf(local, `${named ?? usual}: local`).offer ?? {};
}

/** How many gateways all hosts together may have, from the table [ceiling] of the same file. */
export function readCeiling(named: string | undefined, usual: string): number | undefined {
  return readTomlFile(hostsForm, { named, usual }).ceiling?.gateways;
}

/** What gateways may reach although it is private, from the table [fence] of the same file; `Refused` of what is none. */
export function readAllowed(named: string | undefined, usual: string): readonly Exception[] {
  const { fence } = readTomlFile(hostsForm, { named, usual });
  return saidAt(`${named ?? usual}: fence.allow`, () => (fence?.allow ?? []).map(exceptionFrom));
}

/** Whether this worker, as root, is to put the rules of the fence up on its own machine, from the same table. */
export function readPutsFence(named: string | undefined, usual: string): boolean {
  return readTomlFile(hostsForm, { named, usual }).fence?.put ?? false;
}

function offerOf(
  { memory, cpus, disk, overcommit, cordoned }: z.infer<typeof offerForm>,
  where: string,
): { readonly offer?: HostOffer } {
  const offer: HostOffer = {
    ...(memory !== undefined && { memoryMb: megabytes(memory, `${where}: memory`) }),
    ...(cpus !== undefined && { cpus }),
    ...(disk !== undefined && { diskMb: megabytes(disk, `${where}: disk`) }),
    ...(overcommit !== undefined && { overcommit }),
    ...(cordoned !== undefined && { cordoned }),
  };
  return Object.keys(offer).length === 0 ? {} : { offer };
}
