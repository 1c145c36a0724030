import { Command } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { TurnedDown } from '../../../client/failure.js';
import { secretUsers, usesBefore, type SecretUsers } from '../../../client/deployment/secret-users.js';
import { secretName } from '../../../domain/secret-name.js';
import { stillNamed, storedLines } from '../../show/deployment/secret-uses.js';
import { sayingSlow, verb } from '../../verb.js';
import { readValue, withStore } from './secret-input.js';
import { rotateSecretCommand } from './secret-rotate.js';

/** `creel secret set NAME`, `rotate NAME`, `list` and `rm NAME`: customers' secrets, stored where the worker's key lies. */
export function secretCommand() {
  return new Command('secret')
    .description("store customers' secrets (channel tokens, model keys): as the worker's user on its machine")
    .addCommand(setCommand())
    .addCommand(rotateSecretCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function setCommand() {
  return verb('set', 'store or replace a secret; its value is read from standard input', [
    'creel secret set g42-telegram < token.txt',
    'read -rs T && printf %s "$T" | creel secret set g42-telegram',
  ])
    .argument('<name>', 'what a spec names it by, as "secret:NAME"')
    .action(async (given, options) => {
      const name = secretName(given);
      const value = await readValue(process.stdin, `creel secret set ${name}`);
      await withStore(options, async (store, client) => {
        await store.write(name, value);
        if (options.json) return void process.stdout.write(`${JSON.stringify({ stored: name })}\n`);
        const { uses, silent } = await usesBefore(client, name, Date.now() + hintMs);
        process.stdout.write(`${storedLines(name, uses, silent).join('\n')}\n`);
      });
    });
}

function listCommand() {
  return verb('list', 'the names of the stored secrets, never their values', [
    'creel secret list',
    'creel secret list --users              with the gateways that name each; needs a worker',
  ])
    .option('--users', 'which gateways name each, and which are named and not stored')
    .action(async (options) => {
      await withStore(options, async (store, client) => {
        const names = await store.list();
        if (options.users) sayUsers(names, await askUsers(client), options.json === true);
        else
          process.stdout.write(options.json ? `${JSON.stringify(names)}\n` : names.map((name) => `${name}\n`).join(''));
      });
    });
}

function sayUsers(names: readonly string[], users: SecretUsers, json: boolean): void {
  const rows = [...new Set([...names, ...users.keys()])].toSorted().map((name) => ({
    name,
    stored: names.includes(name),
    users: [...new Set((users.get(name) ?? []).map(({ gateway }) => gateway))],
  }));
  if (json) return void process.stdout.write(`${JSON.stringify(rows)}\n`);
  for (const { name, stored, users: by } of rows) {
    const named = by.length > 0 ? `named by ${by.join(', ')}` : 'named by nobody';
    process.stdout.write(`${name}  ${stored ? '' : 'NOT STORED, '}${named}\n`);
  }
}

function removeCommand() {
  return verb('rm', 'remove a stored secret that no gateway names; needs a worker, which asks them', [
    'creel secret rm g42-telegram',
  ])
    .argument('<name>', 'as `creel secret list` shows it')
    .action(async (given, options) => {
      const name = secretName(given);
      await withStore(options, async (store, client) => {
        if (!(await store.list()).includes(name)) throw notStored(name);
        const uses = (await askUsers(client)).get(name) ?? [];
        if (uses.length > 0) throw new TurnedDown(stillNamed(name, uses), 'Refused');
        if (!(await store.remove(name))) throw notStored(name);
      });
      process.stdout.write(`${options.json ? JSON.stringify({ removed: name }) : `Removed ${name}.`}\n`);
    });
}

function notStored(name: string): TurnedDown {
  return new TurnedDown(`no secret named ${name} is stored. \`creel secret list\` shows those there are`, 'Refused');
}

/** How long the gateways are asked who uses a secret that was stored (ms). */
const hintMs = 3_000;

function askUsers(client: Client): Promise<SecretUsers> {
  return sayingSlow('asking every gateway which secrets it names', () => secretUsers(client));
}
