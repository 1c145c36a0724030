import { timingSafeEqual } from 'node:crypto';
import net from 'node:net';
import ssh2, { type Client, type ServerHostKeyAlgorithm } from 'ssh2';
import { Refused } from '../../domain/errors.js';
import type { HostKey, SshHost } from '../../domain/hosts/ssh-host.js';
import { away, connectError } from './errors.js';
import { readIdentity } from './identity-file.js';
import type { SshLimits } from './limits.js';

/** Connects to a host that shows its pinned key. The errors of the connection have their kinds. */
export async function connect(host: SshHost, limits: SshLimits): Promise<Client> {
  const privateKey = readIdentity(host.identityFile);
  return await new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let shown: Buffer | undefined;
    client.once('ready', () => resolve(client));
    client.once('close', () => reject(away(host, 'it hung up')));
    client.on('error', (error) => reject(connectError(error, host, shown))); // Later ones are followed by a close.
    const sock = net.connect({ host: host.address, port: host.port, noDelay: true });
    client.connect({
      sock,
      username: host.user,
      privateKey,
      readyTimeout: limits.connectMs,
      keepaliveInterval: limits.keepAliveMs,
      keepaliveCountMax: limits.keepAlivesMissed,
      algorithms: { serverHostKey: algorithmsOf(host.hostKey) },
      hostVerifier: (key: Buffer) => {
        shown = key;
        return isPinned(key, host.hostKey);
      },
    });
  });
}

function isPinned(shown: Buffer, { base64 }: HostKey): boolean {
  const pinned = Buffer.from(base64, 'base64');
  return shown.length === pinned.length && timingSafeEqual(shown, pinned);
}

/** How a host may prove that it has its key: for RSA, never by SHA-1. */
function algorithmsOf({ type }: HostKey): ServerHostKeyAlgorithm[] {
  switch (type) {
    case 'ssh-ed25519':
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return [type];
    case 'ssh-rsa':
      return ['rsa-sha2-512', 'rsa-sha2-256'];
    default:
      throw new Refused(`a host key of type ${JSON.stringify(type)} is not one that creel knows`);
  }
}
