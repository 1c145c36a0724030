import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { applyCommand } from './verbs/apply.js';
import { answerCommand } from './verbs/answer.js';
import { denyCommand } from './verbs/devices/deny.js';
import { completionCommand } from './verbs/shell/completion.js';
import { changeCommand } from './verbs/reshape.js';
import { describeCommand } from './verbs/describe.js';
import { devicesCommand } from './verbs/devices/devices.js';
import { doctorCommand } from './verbs/deployment/doctor.js';
import { engineCommand } from './verbs/deployment/engine.js';
import { exitHelp } from './exit.js';
import { exportCommand } from './verbs/deployment/export.js';
import { fleetCommand } from './verbs/fleet.js';
import { hostsCommand } from './verbs/deployment/hosts.js';
import { initCommand } from './verbs/deployment/init.js';
import { keyCommand } from './verbs/deployment/key.js';
import { listCommand } from './verbs/list.js';
import { inviteCommand } from './verbs/invite.js';
import { logsCommand } from './verbs/logs.js';
import { manCommand } from './verbs/shell/man.js';
import { namespaceCommand } from './verbs/deployment/namespace.js';
import { openCommand } from './verbs/open.js';
import { pairCommand } from './verbs/devices/pair.js';
import { provisionCommand } from './verbs/provision.js';
import { recoverCommand } from './verbs/deployment/recover.js';
import { releaseCommand } from './verbs/deployment/release.js';
import { removeCommand } from './verbs/remove.js';
import { rotateCommand } from './verbs/rotate.js';
import { schedulesCommand } from './verbs/deployment/schedules.js';
import { secretCommand } from './verbs/deployment/secret.js';
import { purgeCommand } from './verbs/condemned.js';
import { reconcileCommand } from './verbs/reconcile.js';
import { sweepCommand } from './verbs/sweep.js';
import { tokenCommand } from './verbs/token.js';
import { resumeCommand, suspendCommand } from './verbs/suspend.js';
import { unpairCommand } from './verbs/devices/unpair.js';
import { serveCommand, type RunFront } from './verbs/deployment/serve.js';
import { workerCommand, type RunWorker } from './verbs/deployment/worker.js';
import { rollbackCommand, upgradeCommand } from './verbs/upgrade.js';
import { versionText } from '../settings/version.js';

/**
 * The command line, every verb of it. With `json`, usage errors are left to whoever catches them (`errorText`). Whoever only reads it
 * need not say how a worker is run, or the front door opened.
 */
export function program(json = false, runWorker?: RunWorker, runFront?: RunFront): Command {
  const creel = new Command('creel')
    .description(
      'Durable hosted OpenClaw gateways: what is asked for is finished or undone, and nothing is left behind.',
    )
    .addHelpText(
      'after',
      `\nBegin with: creel init, creel provision g42 --release 2026.9.6, creel list, creel open g42\n${exitHelp}`,
    );
  creel.version(versionText(), '-V, --version', 'print the version, and the commit where the build knew it');
  for (const command of [
    ...commands(),
    workerCommand(runWorker),
    serveCommand(runFront),
    completionCommand(creel),
    manCommand(creel),
  ])
    creel.addCommand(command);
  return speakingAlike(creel, json);
}

/** Usage errors are ours to report, at every level of subcommands: as text at once, as JSON at the end. */
function speakingAlike<T extends CommandUnknownOpts>(command: T, json: boolean): T {
  command.showHelpAfterError('(--help shows how it is used)').exitOverride();
  if (json) command.configureOutput({ writeErr: () => undefined });
  for (const each of command.commands) speakingAlike(each, json);
  return command;
}

function commands(): CommandUnknownOpts[] {
  return [
    initCommand(),
    namespaceCommand(),
    provisionCommand(),
    applyCommand(),
    listCommand(),
    describeCommand(),
    openCommand(),
    logsCommand(),
    rotateCommand(),
    tokenCommand(),
    devicesCommand(),
    pairCommand(),
    denyCommand(),
    unpairCommand(),
    inviteCommand(),
    suspendCommand(),
    resumeCommand(),
    upgradeCommand(),
    rollbackCommand(),
    changeCommand(),
    removeCommand(),
    ...(['retry', 'skip', 'allow', 'abort', 'leave'] as const).map(answerCommand),
    fleetCommand(),
    sweepCommand(),
    reconcileCommand(),
    purgeCommand(),
    secretCommand(),
    keyCommand(),
    engineCommand(),
    hostsCommand(),
    releaseCommand(),
    schedulesCommand(),
    exportCommand(),
    recoverCommand(),
    doctorCommand(),
  ];
}
