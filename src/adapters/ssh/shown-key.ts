import net from 'node:net';
import ssh2 from 'ssh2';
import { hostKey, type HostKey, type SshHost } from '../../domain/hosts/ssh-host.js';
import { away } from './errors.js';
import { sshLimits } from './limits.js';

/**
 * The host key that a host shows, of the strongest type that it has. Nobody has vouched for it: nothing is sent to the
 * host, and the connection ends there. `NotYet` where nobody answers.
 */
export function readShownKey(host: SshHost): Promise<HostKey> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let shown: Buffer | undefined;
    const end = (why: string) => {
      client.destroy();
      if (shown) resolve(hostKey(`${typeOf(shown)} ${shown.toString('base64')}`));
      else reject(away(host, why));
    };
    client.once('close', () => end('it hung up'));
    client.on('error', (error) => end(error.message));
    client.connect({
      sock: net.connect({ host: host.address, port: host.port }),
      username: host.user,
      readyTimeout: sshLimits.connectMs,
      algorithms: {
        serverHostKey: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsa-sha2-512', 'rsa-sha2-256'],
      },
      hostVerifier: (key: Buffer) => {
        shown = key;
        return false;
      },
    });
  });
}

/** A key says its own type first: its length in four bytes, then its name. */
function typeOf(key: Buffer): string {
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('ascii');
}
