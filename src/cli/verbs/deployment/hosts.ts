import { Command } from '@commander-js/extra-typings';
import { exceptionFrom, fenceScript, unfenceScript } from '../../../domain/hosts/fence.js';
import { addCommand } from './host-add.js';
import { cordonCommand, describeCommand, drainCommand, listCommand } from './host-ledger.js';
import { readConfig } from '../../../settings/config.js';

/** `creel hosts`: the machines that gateways stand on. */
export function hostsCommand() {
  return new Command('hosts')
    .description(
      'the machines that gateways stand on: what is promised of them, whether new ones come, and the rules that keep gateways from everything else on them',
    )
    .addCommand(listCommand())
    .addCommand(describeCommand())
    .addCommand(cordonCommand('cordon'))
    .addCommand(cordonCommand('uncordon'))
    .addCommand(drainCommand())
    .addCommand(addCommand())
    .addCommand(rulesCommand());
}

function rulesCommand() {
  return new Command('rules')
    .description('print a script for root that fences the gateways of this host in, or takes the fence away')
    .option(
      '--allow <network[:port]>',
      'what gateways may reach although it is private; again for another',
      (each: string, before: string[]) => [...before, each],
      [],
    )
    .option('--remove', 'print the script that takes the fence away')
    .addHelpText(
      'after',
      `
Examples:
  creel hosts rules | sudo sh
  creel hosts rules --allow 10.20.0.5/32:5432 | sudo sh
  creel hosts rules --remove | sudo sh

Rules end with a reboot: let a unit of the host print and run them at every start. The networks of gateways are those
of CREEL_SUBNET_POOL, as the worker of this host has it, and what [fence] of its hosts.toml allows is allowed as well.`,
    )
    .action(({ allow, remove }) => {
      const named = allow.map(exceptionFrom);
      if (remove) return void process.stdout.write(unfenceScript());
      const { pool, allowed } = readConfig({ ...process.env });
      process.stdout.write(fenceScript({ pool: pool.cidr, exceptions: [...allowed, ...named] }));
    });
}
