import { resolve } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { sizeText } from '../../../domain/amounts.js';
import { hostKey, hostName, sshAddress, type SshHost } from '../../../domain/hosts/ssh-host.js';
import { addHost, demandNewHost } from '../../../settings/added-host.js';
import { hostsFile, usualSocket } from '../../../settings/hosts.js';
import { confirm } from '../../confirm.js';

type Options = {
  readonly ssh: string;
  readonly identity: string;
  readonly socket: string;
  readonly hostKey?: string;
  readonly yes?: string;
  readonly json?: true;
};

/** `creel hosts add`: looks at a host over SSH and names it in `hosts.toml`, once its key was compared. */
export function addCommand() {
  return new Command('add')
    .description('look at a Docker host over SSH, have its host key compared, and name it in hosts.toml')
    .argument('<name>', 'what it is to be called, for example b1')
    .requiredOption('--ssh <user@address:port>', 'where it is')
    .requiredOption('--identity <file>', 'the private key that opens it')
    .option('--socket <path>', 'the socket of its engine', usualSocket)
    .option('--host-key <key>', 'its public host key, read on the host itself: then nothing is asked')
    .option('--yes <fingerprint>', 'the fingerprint of its host key once more, instead of typing it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  creel hosts add b1 --ssh creel@10.0.0.5:22 --identity ~/.ssh/id_ed25519
  creel hosts add b1 --ssh creel@10.0.0.5 --identity id --host-key "$(cat ssh_host_ed25519_key.pub)"

Run it where the worker runs, as its user: the file is the one that the worker reads at its start (CREEL_HOSTS).`,
    )
    .action(add);
}

async function add(rawName: string, options: Options): Promise<void> {
  const name = hostName(rawName);
  const where = hostsFile(process.env);
  demandNewHost(where, name);
  const { lookAtHost, shownKey } = await import('../../../new-host/look.js'); // Too heavy to load for every verb.
  const given = options.hostKey === undefined ? undefined : hostKey(options.hostKey);
  const unknown: SshHost = {
    name,
    ...sshAddress(options.ssh),
    hostKey: given ?? { type: '', base64: '' },
    identityFile: resolve(options.identity),
    socketPath: options.socket,
  };
  const settings = given ? unknown : { ...unknown, hostKey: await compared(unknown, options.yes, shownKey) };
  const seen = await lookAtHost(settings);
  const file = addHost(where, settings);
  const said = `${name}: ${seen.version}, engine ${seen.engine}, ${sizeText(seen.memoryMb)} of memory, ${seen.cpus} processors. ${file} names it now; the worker serves it once it was started anew`;
  process.stdout.write(`${options.json ? JSON.stringify({ name, file, ...seen }) : said}\n`);
}

/** The key that the host shows, once somebody says that it is the host's. */
async function compared(
  host: SshHost,
  said: string | undefined,
  show: (host: SshHost) => Promise<{ readonly key: SshHost['hostKey']; readonly fingerprint: string }>,
): Promise<SshHost['hostKey']> {
  const { key, fingerprint } = await show(host);
  const warning = `${host.name} shows the host key ${fingerprint} (${key.type}). It is the right one only if \`ssh-keygen -lf /etc/ssh/ssh_host_${fileOf(key.type)}_key.pub\` prints the same on the host itself`;
  await confirm(fingerprint, said, warning);
  return key;
}

function fileOf(type: string): string {
  if (type === 'ssh-ed25519') return 'ed25519';
  return type === 'ssh-rsa' ? 'rsa' : 'ecdsa';
}
