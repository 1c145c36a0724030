import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { answerCommand } from './verbs/answer.js';
import { denyCommand } from './verbs/deny.js';
import { changeCommand } from './verbs/reshape.js';
import { describeCommand } from './verbs/describe.js';
import { devicesCommand } from './verbs/devices.js';
import { engineCommand } from './verbs/engine.js';
import { exitHelp } from './exit.js';
import { fleetCommand } from './verbs/fleet.js';
import { initCommand } from './verbs/init.js';
import { keyCommand } from './verbs/key.js';
import { listCommand } from './verbs/list.js';
import { openCommand } from './verbs/open.js';
import { pairCommand } from './verbs/pair.js';
import { provisionCommand } from './verbs/provision.js';
import { removeCommand } from './verbs/remove.js';
import { rotateCommand } from './verbs/rotate.js';
import { secretCommand } from './verbs/secret.js';
import { tokenCommand } from './verbs/token.js';
import { unpairCommand } from './verbs/unpair.js';
import { rollbackCommand, upgradeCommand } from './verbs/upgrade.js';

/** The command line, every verb of it. */
export function program(): Command {
  const creel = new Command('creel')
    .description(
      'Durable hosted OpenClaw gateways: what is asked for is finished or undone, and nothing is left behind.',
    )
    .addHelpText(
      'after',
      `\nBegin with: creel init, creel provision g42 --release 2026.9.6, creel list, creel open g42\n${exitHelp}`,
    );
  for (const command of commands()) creel.addCommand(command);
  return speakingAlike(creel);
}

/** A wrong usage is our error to report, at every depth of the command line. */
function speakingAlike<T extends CommandUnknownOpts>(command: T): T {
  command.showHelpAfterError('(--help shows how it is used)').exitOverride();
  for (const each of command.commands) speakingAlike(each);
  return command;
}

function commands(): CommandUnknownOpts[] {
  return [
    initCommand(),
    provisionCommand(),
    listCommand(),
    describeCommand(),
    openCommand(),
    rotateCommand(),
    tokenCommand(),
    devicesCommand(),
    pairCommand(),
    denyCommand(),
    unpairCommand(),
    upgradeCommand(),
    rollbackCommand(),
    changeCommand(),
    removeCommand(),
    ...(['retry', 'skip', 'allow', 'abort', 'leave'] as const).map(answerCommand),
    fleetCommand(),
    secretCommand(),
    keyCommand(),
    engineCommand(),
  ];
}
