import { Command } from '@commander-js/extra-typings';
import { listEngines, renameEngine } from '../../../client/deployment/engines.js';
import { confirm } from '../../confirm.js';
import { verb, withTemporal } from '../../verb.js';
import { counted } from '../../../domain/amounts.js';

/** `creel engine`: the engines that gateways stand on. */
export function engineCommand() {
  return new Command('engine')
    .description('the engines that gateways stand on: show which there are, or say that one has another id now')
    .addCommand(listCommand())
    .addCommand(renamedCommand());
}

function listCommand() {
  return verb('list', 'every engine that a worker ever served, who stands beside it now, and its gateways', [
    'creel engine list',
  ]).action(async (options) => {
    await withTemporal(options, async (client) => {
      const engines = await listEngines(client);
      if (options.json) return void process.stdout.write(`${JSON.stringify({ engines })}\n`);
      for (const { engine, host, was, attended, gateways } of engines) {
        const beside = attended ? 'a worker beside it' : 'no worker beside it';
        const before = was.length > 0 ? `; was ${was.join(', ')}` : '';
        process.stdout.write(`${engine}  ${host}  ${beside}  ${counted(gateways, 'gateway')}${before}\n`);
      }
    });
  });
}

function renamedCommand() {
  return verb('renamed', 'say that an engine has another id now: proved by the marks of every gateway on it', [
    'creel engine renamed OLD NEW          asks for the old id',
    'creel engine renamed OLD NEW --yes OLD',
  ])
    .argument('<former>', 'the id by which records name it, as `creel engine list` shows it')
    .argument('<engine>', 'the id that it has now, as `docker info` names it')
    .option('--yes <former>', 'the former id once more, instead of typing it')
    .action(async (former, engine, options) => {
      await confirm(former, options.yes, `what was asked of engine ${former} is done on engine ${engine} from now on`);
      await withTemporal(options, async (client) => {
        const gateways = await renameEngine(client, { former, engine });
        const said = `engine ${former} is engine ${engine} now: it carries the marks of all ${counted(gateways, 'gateway')}. Its worker takes over within a minute`;
        process.stdout.write(`${options.json ? JSON.stringify({ former, engine, gateways }) : said}\n`);
      });
    });
}
