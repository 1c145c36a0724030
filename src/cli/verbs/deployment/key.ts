import { Command } from '@commander-js/extra-typings';
import { readHeld } from '../../../client/deployment/deployment.js';
import { readNamings } from '../../../client/deployment/keys.js';
import { Refused } from '../../../domain/errors.js';
import { keysOf } from '../../../domain/keys/deployment-keys.js';
import { keyFiles } from '../../../settings/config.js';
import { backUp, noteBackup } from '../../../settings/key-backup.js';
import { exitHelp } from '../../exit.js';
import { rotateKey } from './key-rotation.js';
import { fleetOptions } from '../rotate-all.js';
import { verb, withTemporal } from '../../verb.js';
import { counted } from '../../../domain/amounts.js';

/** `creel key`: the master keys of the deployment. */
export function keyCommand() {
  return new Command('key')
    .description('the master key: show which there are, back them up, or replace it')
    .addCommand(listCommand())
    .addCommand(backupCommand())
    .addCommand(rotateCommand());
}

function listCommand() {
  return verb('list', 'every master key by its id, its state, and how many gateways name it', [
    'creel key list',
  ]).action(async (options) => {
    await withTemporal(options, async (client) => {
      const keys = keysOf(await readHeld(client));
      const namings = await readNamings(client, keys);
      const rows = keys.map(({ id, state }) => {
        const gateways = namings.filter(({ keyId }) => keyId === id).map(({ gateway }) => gateway);
        return { id, state, gateways };
      });
      const silent = namings.filter(({ keyId }) => keyId === undefined).map(({ gateway }) => gateway);
      if (options.json) return void process.stdout.write(`${JSON.stringify({ keys: rows, silent })}\n`);
      for (const { id, state, gateways } of rows)
        process.stdout.write(`${id}  ${state.padEnd(7)}  named by ${counted(gateways.length, 'gateway')}\n`);
      if (silent.length > 0) process.stdout.write(`no answer from ${silent.join(', ')}\n`);
    });
  });
}

function backupCommand() {
  const what =
    "copy every key and secret of this machine for a backup, and note that for `creel doctor`: as the worker's user";
  const examples = ['creel key backup /mnt/backup', 'creel key backup --noted      it was done by other means'];
  return new Command('backup')
    .description(what)
    .argument('[directory]', 'where to: a new directory is made below it')
    .option('--noted', 'copy nothing: whoever says so has backed them up')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExamples:\n${examples.map((each) => `  ${each}`).join('\n')}\n${exitHelp}`)
    .action((into, options) => {
      if ((into === undefined) !== (options.noted === true))
        throw new Refused('say where to copy keys and secrets, or --noted when that was done by other means');
      const kept = keyFiles(process.env);
      const made = into === undefined ? noteBackup(kept, new Date()) : backUp(kept, into, new Date());
      const said = made
        ? `${made.files.join(', ')} lie in ${made.directory}, as bare as they are here: take them to a place that does not go with this machine, and that nobody reads.`
        : 'Noted: keys and secrets were backed up, as they are now.';
      process.stdout.write(`${options.json ? JSON.stringify(made ?? { noted: true }) : said}\n`);
    });
}

function rotateCommand() {
  const what = "replace the master key: as the worker's user on its machine. Given again, it goes on where it was";
  return verb('rotate', what, [
    'creel key rotate                          asks for the id of the key that is to be replaced',
    'creel key rotate --yes df09de28           the same without a question; once it is replaced, nothing is done',
    'creel key rotate --window 10 --max-failed 5%',
    'creel key rotate --dry-run                who would be rotated, and who keeps the old key in use',
  ])
    .option('--yes <id>', 'the id of the key that is to be replaced, instead of typing it')
    .addOption(fleetOptions.window)
    .addOption(fleetOptions.maxFailed)
    .addOption(fleetOptions.beginWithin)
    .option('--dry-run', 'say what would be done; nothing is made or asked')
    .action(rotateKey);
}
