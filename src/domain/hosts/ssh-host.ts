import { Refused } from '../errors.js';
import type { HostOffer } from './offer.js';

/** A Docker host that its worker reaches over SSH, as the worker's settings name it. */
export type SshHost = {
  readonly name: string;
  readonly user: string;
  readonly address: string;
  readonly port: number;
  /** The only host key that it may show. */
  readonly hostKey: HostKey;
  /** The file of the private key that opens it. */
  readonly identityFile: string;
  /** The socket of its engine, on the host. */
  readonly socketPath: string;
  /** The id that its engine must have, whatever is on record; as on record when absent. */
  readonly engine?: string;
  /** Its images come through the worker, which reaches the registry; absent where the host asks it itself. */
  readonly pull?: 'worker';
  /** What may be promised of it; as the host has it when absent. */
  readonly offer?: HostOffer;
};

/** A public key of a host: its type, and the key as SSH sends it, in base64. */
export type HostKey = { readonly type: string; readonly base64: string };

/** A host and where it is, for people: `host b1 (creel@10.0.0.5:22)`. */
export function describeSshHost({ name, user, address, port }: Omit<SshHost, 'engine'>): string {
  return `host ${name} (${user}@${address}:${port})`;
}

const nameForm = /^[a-z][a-z0-9-]{0,40}$/;
const keyTypes = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];

/** The name of a host, or `Refused`. `local` is the machine of the worker itself. */
export function hostName(written: string): string {
  if (nameForm.test(written) && written !== 'local') return written;
  throw new Refused(
    `host name ${JSON.stringify(written)} must be lower-case letters, digits and dashes, begin with a letter, have at most 41 characters, and not be "local"`,
  );
}

/** `user@address:port` in parts; 22 where no port is named. An IPv6 address stands in brackets. */
export function sshAddress(written: string): Pick<SshHost, 'user' | 'address' | 'port'> {
  const [, user, bracketed, plain, port = '22'] =
    /^([^@\s]+)@(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(written) ?? [];
  const address = bracketed ?? plain;
  if (user !== undefined && address !== undefined && Number(port) > 0 && Number(port) <= 65_535)
    return { user, address, port: Number(port) };
  throw new Refused(`ssh = ${JSON.stringify(written)} must be user@address:port, for example "creel@10.0.0.5:22"`);
}

/**
 * A host key as `ssh-keyscan` and the host's own `/etc/ssh/ssh_host_ed25519_key.pub` have it; a comment may follow. Only
 * the form is checked.
 */
export function hostKey(written: string): HostKey {
  const [type = '', base64 = ''] = written.trim().split(/\s+/);
  if (keyTypes.includes(type) && /^AAAA[A-Za-z0-9+/]{20,}={0,2}$/.test(base64)) return { type, base64 };
  throw new Refused(
    `host_key = ${JSON.stringify(written)} must be a public host key, for example "ssh-ed25519 AAAA…": the content of /etc/ssh/ssh_host_ed25519_key.pub on the host`,
  );
}
