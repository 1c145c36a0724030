import type { Client } from '@temporalio/client';
import type { Flags } from '../../../client/connect.js';
import { holdDeployment } from '../../../client/deployment/hold-deployment.js';
import { Refused } from '../../../domain/errors.js';
import { Secret } from '../../../domain/secret.js';
import type { SecretStore } from '../../../ports/secret-store.js';
import { keyFiles } from '../../../settings/config.js';
import { openKeys } from '../../../settings/key-file.js';
import { withTemporal } from '../../verb.js';

/** Tokens and keys have at most a few hundred bytes, a certificate a few thousand. */
const secretBytes = 64 * 1024;

/**
 * The value on standard input without its final line break, or `Refused`: typed visibly, empty, or too long. `command`
 * is what it is piped into.
 */
export async function readValue(input: NodeJS.ReadStream, command: string): Promise<Secret> {
  if (input.isTTY) {
    throw new Refused(
      `the value is read from standard input, where it would be shown as you type. Pipe it in: read -rs T && printf %s "$T" | ${command}`,
    );
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > secretBytes)
      throw new Refused(`the value is longer than ${secretBytes} bytes: that is no token. Nothing was stored`);
    chunks.push(bytes);
  }
  const value = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (value.trim() === '') throw new Refused('standard input was empty. Nothing was stored');
  return new Secret(value);
}

/** Opens the store beside the key that is here, once the namespace has turned out to be the key's deployment. */
export async function withStore<T>(flags: Flags, use: (store: SecretStore, client: Client) => Promise<T>): Promise<T> {
  const files = keyFiles(process.env);
  const keys = () => openKeys(files.keyFile);
  keys();
  return withTemporal(flags, async (client) => {
    const { deployment } = await holdDeployment(client, keys());
    const { openSecrets } = await import('../../../open-world.js'); // Too heavy to load for every verb.
    return use(openSecrets(files, keys, deployment), client);
  });
}
