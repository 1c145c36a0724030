import { Command } from '@commander-js/extra-typings';
import type { Flags } from '../../client/connect.js';
import { holdDeployment } from '../../client/hold-deployment.js';
import { keyFiles } from '../../settings/config.js';
import { secretName } from '../../domain/channels/channel.js';
import { Refused } from '../../domain/errors.js';
import { Secret } from '../../domain/secret.js';
import { openKeys } from '../../settings/key-file.js';
import type { SecretStore } from '../../ports/secret-store.js';
import { verb, withTemporal } from '../verb.js';

/** Tokens and keys have at most a few hundred bytes, a certificate a few thousand. */
const secretBytes = 64 * 1024;

const usage = '(--help shows how it is used)';

/** `creel secret set NAME` and `creel secret list`: customers' secrets, stored where the worker's key lies. */
export function secretCommand() {
  return new Command('secret')
    .description("store customers' secrets (channel tokens, model keys): as the worker's user on its machine")
    .addCommand(setCommand().showHelpAfterError(usage).exitOverride())
    .addCommand(listCommand().showHelpAfterError(usage).exitOverride());
}

function setCommand() {
  return verb('set', 'store or replace a secret; its value is read from standard input', [
    'creel secret set g42-telegram < token.txt',
    'read -rs T && printf %s "$T" | creel secret set g42-telegram',
  ])
    .argument('<name>', 'what a spec names it by, as "secret:NAME"')
    .action(async (given, options) => {
      const name = secretName(given);
      const value = await readValue(process.stdin, name);
      await withStore(options, (store) => store.write(name, value));
      const said = `Stored ${name}. A spec names it "secret:${name}"; the next provision or repair takes it up.`;
      process.stdout.write(`${options.json ? JSON.stringify({ stored: name }) : said}\n`);
    });
}

function listCommand() {
  return verb('list', 'the names of the stored secrets, never their values', ['creel secret list']).action(
    async (options) => {
      const names = await withStore(options, (store) => store.list());
      process.stdout.write(options.json ? `${JSON.stringify(names)}\n` : names.map((name) => `${name}\n`).join(''));
    },
  );
}

/** The value on standard input without its last line break, or `Refused`: typed in the open, empty, or too long. */
async function readValue(input: NodeJS.ReadStream, name: string): Promise<Secret> {
  if (input.isTTY) {
    throw new Refused(
      `the value is read from standard input, where it would be shown as you type. Pipe it in: read -rs T && printf %s "$T" | creel secret set ${name}`,
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

async function withStore<T>(flags: Flags, use: (store: SecretStore) => Promise<T>): Promise<T> {
  const files = keyFiles(process.env);
  const keys = () => openKeys(files.keyFile);
  keys();
  return withTemporal(flags, async (client) => {
    const { deployment } = await holdDeployment(client, keys());
    const { openSecrets } = await import('../../open-world.js'); // Everything an engine needs: not for each verb's start.
    return use(openSecrets(files, keys, deployment));
  });
}
