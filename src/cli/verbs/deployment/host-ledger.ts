import type { Client } from '@temporalio/client';
import { listBought } from '../../../client/bought.js';
import { examine } from '../../../client/doctor/examine.js';
import { NoWorker, TurnedDown } from '../../../client/failure.js';
import { cordonHost, findHost, gatewaysOn, listHosts, type ShownHost } from '../../../client/ledger.js';
import { Refused } from '../../../domain/errors.js';
import type { FenceSeen } from '../../../domain/hosts/fence-trial.js';
import { boughtLines } from '../../show/deployment/bought.js';
import { drainText, hostTable, hostText } from '../../show/deployment/hosts.js';
import { verb, withTemporal } from '../../verb.js';

/** `creel hosts list`: every host, and what is promised of it; every machine that was bought, and what all of them cost. */
export function listCommand() {
  return verb(
    'list',
    'every host, and what is promised of its memory, processors and disk; every machine that was bought, and its price',
    ['creel hosts list'],
  ).action(async (options) => {
    await withTemporal(options, async (client) => {
      const [hosts, bought] = await Promise.all([listHosts(client), listBought(client)]);
      const said = options.json
        ? JSON.stringify({ hosts, ...(bought && { bought }) })
        : [hostTable(hosts), ...boughtLines(bought)].join('\n');
      process.stdout.write(`${said}\n`);
    });
  });
}

/** `creel hosts describe`: one host, and the gateways on it. */
export function describeCommand() {
  return verb(
    'describe',
    'one host: who serves it, what is promised of it, what its gateways reach, and which they are',
    ['creel hosts describe b1'],
  )
    .argument('<name>', 'the host, as `creel hosts list` names it, or the id of its engine')
    .action(async (name, options) => {
      await withTemporal(options, async (client) => {
        const host = await findHost(client, name);
        const on = await gatewaysOn(client, host);
        const fence = await fenceAt(client, host);
        const said = options.json
          ? JSON.stringify({ ...host, ...on, ...(fence && { fence }) })
          : hostText(host, on, fence);
        process.stdout.write(`${said}\n`);
      });
    });
}

/** What a worker says of the fence of a host, tried now or within the hour; undefined where nobody can say. */
async function fenceAt(client: Client, { engine, workers }: ShownHost): Promise<FenceSeen | undefined> {
  if (workers.length === 0) return undefined;
  try {
    const { told } = await examine(client, engine);
    const fence = 'says' in told.engine ? told.engine.fence : undefined;
    return fence && 'knocked' in fence ? fence : undefined;
  } catch (error) {
    if (error instanceof TurnedDown || error instanceof NoWorker) return undefined;
    throw error;
  }
}

/** `creel hosts cordon`, `creel hosts uncordon`: whether new gateways come to a host. */
export function cordonCommand(word: 'cordon' | 'uncordon') {
  const cordoned = word === 'cordon';
  const what = cordoned ? 'keep new gateways off a host; those on it stay' : 'let new gateways on a host again';
  return verb(word, what, [`creel hosts ${word} b1`])
    .argument('<name>', 'the host, as `creel hosts list` names it, or the id of its engine')
    .action(async (name, options) => {
      await withTemporal(options, async (client) => {
        const host = await findHost(client, name);
        const line = await cordonHost(client, host, cordoned);
        const said = cordoned ? 'no new gateway comes to it' : 'new gateways come to it again';
        process.stdout.write(options.json ? `${JSON.stringify({ ...host, line })}\n` : `${host.name}: ${said}\n`);
      });
    });
}

/** `creel hosts drain --dry-run`: what stands in the way of a host that is to go. */
export function drainCommand() {
  return verb('drain', 'say what would have to leave a host before it can go', ['creel hosts drain b1 --dry-run'])
    .argument('<name>', 'the host, as `creel hosts list` names it, or the id of its engine')
    .option('--dry-run', 'say it; nothing is touched')
    .action(async (name, options) => {
      if (!options.dryRun)
        throw new Refused('a gateway does not move: creel only says what stands on a host, with --dry-run');
      await withTemporal(options, async (client) => {
        const host = await findHost(client, name);
        const on = await gatewaysOn(client, host);
        const others = (await listHosts(client)).filter(({ engine }) => engine !== host.engine);
        const said = options.json ? JSON.stringify({ ...host, ...on }) : drainText(host, on, others);
        process.stdout.write(`${said}\n`);
      });
    });
}
