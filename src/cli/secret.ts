import { Command } from '@commander-js/extra-typings';
import { connect, type Flags } from '../client/connect.js';
import { holdDeployment } from '../client/hold-deployment.js';
import { keyFiles } from '../config.js';
import { secretName } from '../domain/channels.js';
import { Refused } from '../domain/errors.js';
import { Secret } from '../domain/secret.js';
import { openKey } from '../key-file.js';
import { openSecrets } from '../open-world.js';
import type { SecretStore } from '../ports/secret-store.js';

/** Tokens and keys have at most a few hundred bytes, a certificate a few thousand. */
const secretBytes = 64 * 1024;

/** `creel secret set NAME` and `creel secret list`: customers' secrets, stored where the worker's key lies. */
export function secretCommand() {
  return new Command('secret')
    .description("store customers' secrets (channel tokens, model keys); run it as the worker's user on its machine")
    .addCommand(setCommand())
    .addCommand(listCommand());
}

function setCommand() {
  return connecting(new Command('set'))
    .description('store or replace a secret; its value is read from standard input')
    .argument('<name>', 'what a spec names it by, as "secret:NAME"')
    .addHelpText('after', '\nExamples:\n  creel secret set g42-telegram < token.txt\n  read -rs T && printf %s "$T" | creel secret set g42-telegram')
    .action(async (given, flags) => {
      const name = secretName(given);
      const value = await readValue(process.stdin, name);
      await withStore(flags, (store) => store.write(name, value));
      process.stdout.write(`Stored ${name}. A spec names it "secret:${name}"; the next provision or repair takes it up.\n`);
    });
}

function listCommand() {
  return connecting(new Command('list')).description('the names of the stored secrets, never their values').action(async (flags) => {
    const names = await withStore(flags, (store) => store.list());
    process.stdout.write(names.map((name) => `${name}\n`).join(''));
  });
}

function connecting(command: Command) {
  return command
    .option('--address <host:port>', 'where Temporal is: it says which deployment the key belongs to')
    .option('--namespace <name>', "the deployment's namespace");
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
    if (size > secretBytes) throw new Refused(`the value is longer than ${secretBytes} bytes: that is no token. Nothing was stored`);
    chunks.push(bytes);
  }
  const value = Buffer.concat(chunks).toString('utf8').replace(/\r?\n$/, '');
  if (value.trim() === '') throw new Refused('standard input was empty. Nothing was stored');
  return new Secret(value);
}

async function withStore<T>(flags: Flags, use: (store: SecretStore) => Promise<T>): Promise<T> {
  const files = keyFiles(process.env);
  const key = openKey(files.keyFile);
  const { client, close } = await connect(flags);
  try {
    const { deployment } = await holdDeployment(client, key);
    return await use(openSecrets(files, key, deployment));
  } finally {
    await close();
  }
}
