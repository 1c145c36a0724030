import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { TurnedDown } from '../../client/failure.js';
import { request } from '../../client/gateways.js';
import { Refused } from '../../domain/errors.js';
import { gatewayBirth, gatewayId } from '../../domain/gateway/gateway.js';
import { machineNames } from '../../domain/hosts/machine.js';
import type { Place } from '../../domain/hosts/place.js';
import { whereText } from '../../domain/hosts/region.js';
import type { Reported } from '../../wire/sweep.js';
import { confirm } from '../confirm.js';
import { follow } from '../show/follow.js';
import { sayAccepted } from '../show/say-accepted.js';
import { reportLine } from '../show/deployment/swept.js';
import { sayingSlow, verb, withTemporal } from '../verb.js';
import { origin } from './provision.js';
import { followSweep } from './sweep.js';

/** Prints what is marked as ours and owned by no record, by life, each with what gives it back and what lets it go. */
export async function listCondemned(client: Client, json: boolean): Promise<void> {
  const { reported, counts, unasked } = await sayingSlow('looking at every engine', () =>
    followSweep(client, { dryRun: true }),
  );
  if (json) {
    for (const each of reported) process.stdout.write(`${JSON.stringify(each)}\n`);
    return;
  }
  const lives = new Map<string, Reported[]>();
  for (const each of reported) {
    const life = `${each.gateway} ${each.birth}`;
    lives.set(life, [...(lives.get(life) ?? []), each]);
  }
  const lines = [...lives.values()].flatMap((things) => [...things.map(reportLine), ...waysFor(things)]);
  const rest = counts.report > reported.length ? [`and ${counts.report - reported.length} more`] : [];
  const blind = unasked.map(({ engine, reason }) => `not looked at: ${whereText(engine)}: ${reason}`);
  const all = lines.length === 0 ? ['nothing is condemned: every thing is owned, or proved to be nobody’s'] : lines;
  process.stdout.write(`${[...all, ...rest, ...blind].join('\n')}\n`);
}

function waysFor([first, ...rest]: readonly Reported[]): string[] {
  if (!first || first.birth === '' || ![first, ...rest].every(({ lost }) => lost)) return [];
  const { gateway, birth } = first;
  return [
    `  \`creel recover ${gateway} --birth ${birth} -f gateway.toml\` gives it back, \`creel purge ${gateway} --birth ${birth}\` lets it go`,
  ];
}

/** `creel purge`: lets a life go for which no record speaks, with its state. */
export function purgeCommand() {
  return verb('purge', 'let go, with its state, what no record speaks for: asks for the id to be typed', [
    'creel purge g42',
    'creel purge g42 --birth 7k3fq2 --yes=g42   one of several lives, without a question',
  ])
    .argument('<id>', 'gateway id, as `creel list --condemned` shows it')
    .option('--birth <birth>', 'which life, where there are several')
    .option('--yes <id>', 'the id once more, instead of typing it')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      await withTemporal(options, async (client, target) => {
        const { birth, place } = await condemnedLife(client, id, options.birth);
        await confirm(id, options.yes, `purge removes everything of birth ${birth} of ${id} for ever, its state too`);
        const requestId = options.requestId ?? randomUUID();
        const asked = {
          kind: 'remove',
          requestId,
          origin: origin(),
          purge: true,
          birth,
          ...(place && { place }),
        } as const;
        const accepted = await request(client, id, asked);
        const shown = { json: options.json === true, target };
        sayAccepted(accepted, requestId, shown, false);
        process.exitCode = await follow(client, accepted, shown);
      });
    });
}

/** A life for which no record speaks, and the machine of its own on which it stands, where it has one. */
type Condemned = { readonly birth: string; readonly place?: Place };

/**
 * The life of a gateway for which no record speaks, as engines and regions show it now; the one that is named,
 * where there are several. `TurnedDown` when there is none.
 */
export async function condemnedLife(client: Client, id: string, named: string | undefined): Promise<Condemned> {
  const wanted = named === undefined ? undefined : gatewayBirth(named);
  const { reported } = await sayingSlow('looking at every engine', () =>
    followSweep(client, { dryRun: true, only: id }),
  );
  const births = [...new Set(reported.flatMap(({ lost, birth }) => (lost && birth !== '' ? [birth] : [])))].toSorted();
  if (wanted !== undefined && births.includes(wanted)) return lifeIn(reported, id, wanted);
  const [birth, ...others] = births;
  if (birth === undefined || wanted !== undefined)
    throw new TurnedDown(
      `nothing of ${id}${wanted === undefined ? '' : ` with birth ${wanted}`} is condemned: a record speaks for it, or nothing is there. \`creel list --condemned\` shows what is`,
      'Refused',
    );
  if (others.length > 0) throw new Refused(`several lives of ${id} are condemned: say --birth ${births.join(' or ')}`);
  return lifeIn(reported, id, birth);
}

function lifeIn(reported: readonly Reported[], gateway: string, birth: string): Condemned {
  const at = reported.find((each) => each.lost && each.birth === birth && each.at)?.at;
  if (!at) return { birth };
  const { machine } = machineNames({ deployment: '', gateway, birth });
  return { birth, place: { provider: at.provider, region: at.region, host: machine } };
}
