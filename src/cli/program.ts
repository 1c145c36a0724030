import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { answerCommand } from './answer.js';
import { denyCommand } from './deny.js';
import { changeCommand } from './change.js';
import { describeCommand } from './describe.js';
import { devicesCommand } from './devices.js';
import { engineCommand } from './engine.js';
import { exitHelp } from './exit.js';
import { fleetCommand } from './fleet.js';
import { initCommand } from './init.js';
import { keyCommand } from './key.js';
import { listCommand } from './list.js';
import { openCommand } from './open.js';
import { pairCommand } from './pair.js';
import { provisionCommand } from './provision.js';
import { removeCommand } from './remove.js';
import { rotateCommand } from './rotate.js';
import { secretCommand } from './secret.js';
import { tokenCommand } from './token.js';
import { unpairCommand } from './unpair.js';
import { rollbackCommand, upgradeCommand } from './upgrade.js';

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
