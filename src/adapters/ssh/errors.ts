import { createHash } from 'node:crypto';
import { Away, Foreign, NotYet, Refused } from '../../domain/errors.js';
import { describeSshHost, type SshHost } from '../../domain/hosts/ssh-host.js';

/** Why a server of SSH opens no channel, by the numbers of RFC 4254. */
const [prohibited, connectFailed] = [1, 2];

/**
 * The kind of an error on the way to a connection; `shown` is the host key that was shown, if it came to that. Another
 * host key is `Foreign`, a key that does not open the host `Refused`, everything else passes by itself.
 */
export function connectError(error: Error, host: SshHost, shown: Buffer | undefined): Error {
  const where = describeSshHost(host);
  const cause = { cause: error };
  const level = 'level' in error ? error.level : undefined;
  if (shown && shown.toString('base64') !== host.hostKey.base64)
    return new Foreign(
      `${where} shows another host key (${fingerprint(shown)}) than its settings name (${fingerprint(Buffer.from(host.hostKey.base64, 'base64'))}). Nothing was sent to it; see docs/runbook.md#another-host-key`,
      cause,
    );
  if (level === 'handshake' && /host key format/i.test(error.message))
    return new Foreign(
      `${where} shows no host key of type ${host.hostKey.type}, which its settings name. Nothing was sent to it; see docs/runbook.md#another-host-key`,
      cause,
    );
  if (level === 'client-authentication')
    return new Refused(
      `${where} does not let this worker in with the key ${host.identityFile}. Put its public half into the authorized_keys of ${host.user} there; see docs/runbook.md#host-does-not-let-us-in`,
      cause,
    );
  return away(host, error.message, cause);
}

/** That a host is not to be reached now, and nothing was asked of it. */
export function away(host: SshHost, why: string, cause: ErrorOptions = {}): Away {
  return new Away(
    `${describeSshHost(host)} does not answer over SSH (${why}). Is it up, and is its port open to this worker? See docs/runbook.md#host-not-reached`,
    cause,
  );
}

/** That a connection was cut while something was under way: nobody knows whether it was done. */
export function cut(host: SshHost): Error {
  return Object.assign(new Error(`the SSH connection to ${describeSshHost(host)} was cut`), { code: 'ECONNRESET' });
}

/** The kind of the error with which a host opens no way to its engine's socket. */
export function socketError(error: Error, host: SshHost): Error {
  const where = `${host.socketPath} on ${describeSshHost(host)}`;
  if (reasonOf(error) === prohibited) return forbidden(error, host, 'AllowStreamLocalForwarding');
  if (reasonOf(error) !== connectFailed) return away(host, error.message, { cause: error });
  return new Away(
    `no Docker engine answers at ${where}. Start it there (\`systemctl start docker\`), or let ${host.user} use its socket (\`usermod -aG docker ${host.user}\`); see docs/runbook.md#no-engine-on-the-host`,
    { cause: error },
  );
}

/** The kind of the error with which a host opens no way to one of its ports. */
export function portError(error: Error, host: SshHost, port: number): Error {
  if (reasonOf(error) === prohibited) return forbidden(error, host, 'AllowTcpForwarding');
  if (reasonOf(error) !== connectFailed) return away(host, error.message, { cause: error });
  return new NotYet(`nothing answers on 127.0.0.1:${port} of host ${host.name} yet`, { cause: error });
}

/** The kind of the error with which a host lets nobody listen on its loopback. */
export function listenError(error: Error, host: SshHost): Refused {
  return new Refused(
    `${describeSshHost(host)} lets this worker listen on no port of its loopback, by which it would pull through it. Its sshd needs \`AllowTcpForwarding yes\`, and the key's line in authorized_keys \`port-forwarding\` without a \`permitlisten\`; or let it reach the registry itself, and take \`pull = "worker"\` out of its settings; see docs/runbook.md#images-through-the-worker`,
    { cause: error },
  );
}

function forbidden(error: Error, host: SshHost, setting: string): Refused {
  return new Refused(
    `${describeSshHost(host)} forbids the way to its engine or gateways. Its sshd needs \`${setting} yes\`, and the key's line in authorized_keys \`port-forwarding\`; see docs/runbook.md#host-does-not-let-us-in`,
    { cause: error },
  );
}

function reasonOf(error: Error): unknown {
  return 'reason' in error ? error.reason : undefined;
}

/** A host key as people compare it: `SHA256:…`, as `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
