import type { Client } from '@temporalio/client';
import { eachAtOnce } from '../../client/apply/at-once.js';
import type { Asking } from '../../client/apply/carry-on.js';
import { bringTo, takeAway } from '../../client/apply/carry-out.js';
import { foreseen } from '../../client/apply/foresee.js';
import { lookAt, type Looked } from '../../client/apply/look.js';
import type { Flags } from '../../client/connect.js';
import { UnknownGateway } from '../../client/failure.js';
import { list } from '../../client/gateways.js';
import { planFor } from '../../domain/apply/plan.js';
import { Refused } from '../../domain/errors.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { placeOnHost } from '../../client/deployment/engines.js';
import { readGatewayFiles, type Filed } from '../../settings/gateway-files.js';
import { atOnceOf, atOnceOption, carryOut, exitOfEnds } from '../carry-out.js';
import { typeIds } from '../confirm.js';
import { Ended, exits, type Exit } from '../exit.js';
import { isDue, plannedJson, plannedLines, type Planned } from '../show/plans/apply-plan.js';
import { sayingSlow, verb, withTemporal } from '../verb.js';
import { origin } from './provision.js';

/** `creel apply`: makes gateways what their files ask for, each by the operation that fits. */
export function applyCommand() {
  return verb('apply', 'make gateways what their files say: new, changed, upgraded or repaired', [
    'creel apply -f customers/                       every .toml in it is one gateway, by its `id` or its name',
    'creel apply -f customers/ --dry-run             what differs from the gateways as they are, and what it costs',
    'creel apply -f g42.toml -f g43.toml --at-once 2',
    'creel apply -f - < g42.toml                     from the standard input; it has to say `id`',
    'creel apply -f customers/ --prune g7,g9         and remove these two, which are in no file',
  ])
    .addHelpText(
      'before',
      'A file is the whole of a gateway: what it leaves out is the default, not what is on record.\nA stored secret that has another value is not seen: `creel change` with --channels or --models takes it up.\n',
    )
    .requiredOption('-f, --file <path...>', 'a gateway.toml, a directory of them, or - for the standard input')
    .addOption(atOnceOption)
    .option('--dry-run', 'look at the gateways, say what would be done and how long each is silent; nothing is touched')
    .option('--detailed-exitcode', 'with --dry-run: end with 8 when something differs, with 0 when nothing does')
    .option('--no-probe', 'believe the records; do not look at the gateways themselves')
    .option('--prune [ids]', 'remove these gateways, which are in no file; without ids, you are asked to type them')
    .action(apply);
}

type Options = Flags & {
  readonly file: readonly string[];
  readonly json?: true;
  readonly atOnce?: string;
  readonly dryRun?: true;
  readonly detailedExitcode?: true;
  readonly probe: boolean;
  readonly prune?: string | true;
};

async function apply(options: Options): Promise<void> {
  const atOnce = atOnceOf(options.atOnce);
  if (options.detailedExitcode && !options.dryRun) throw new Refused('--detailed-exitcode goes with --dry-run');
  const written = readGatewayFiles(options.file);
  const named = typeof options.prune === 'string' ? idsOf(options.prune, written) : undefined;
  await withTemporal(options, async (client) => {
    const filed = await Promise.all(written.map((each) => placed(client, each)));
    const looks = await lookAtAll(client, filed, atOnce, options.probe);
    const planned = await foreseeAll(
      client,
      looks,
      filed.map((each, index) => plannedFor(each, looks[index])),
    );
    const unfiled = await toPrune(client, options, named, filed);
    if (options.dryRun) {
      process.exitCode = showDryRun(planned, unfiled, options);
      return;
    }
    demandPossible(planned);
    const pruned = named ? unfiled : await typed(client, unfiled, filed);
    const jobs = [
      ...filed.map((each, index) => (asking: Asking) => bringTo(client, each, looks[index] ?? unseen, asking)),
      ...pruned.map((id) => (asking: Asking) => takeAway(client, id, asking)),
    ];
    process.exitCode = exitOfEnds(await carryOut(jobs, atOnce, options.json === true));
  });
}

/** What a file asks for, with the engine of the host that it names. */
async function placed(client: Client, filed: Filed): Promise<Filed> {
  return filed.host === undefined ? filed : { ...filed, place: await placeOnHost(client, filed.host) };
}

async function lookAtAll(client: Client, filed: readonly Filed[], atOnce: number, probe: boolean): Promise<Looked[]> {
  const many = filed.length === 1 ? 'a gateway' : `${filed.length} gateways`;
  return sayingSlow(`looking at ${many} first`, () =>
    eachAtOnce(filed, atOnce, async ({ gateway }) => lookAt(client, gateway, probe)),
  );
}

/** Plans to which the gateway itself, its catalogue or its secret store would say no say so. */
async function foreseeAll(
  client: Client,
  looks: readonly Looked[],
  planned: readonly Planned[],
): Promise<readonly Planned[]> {
  const whys = await sayingSlow('looking for what would be refused', () =>
    foreseen(
      client,
      planned.map(({ filed, plan }, index) => ({ wanted: filed, looked: looks[index] ?? unseen, plan })),
      origin(),
    ),
  );
  return planned.map((each, index) => {
    const why = whys[index] ?? [];
    return why.length === 0 ? each : { ...each, plan: { refused: why.join('; ') } };
  });
}

const unseen: Looked = { found: { is: 'nothing' } };

function plannedFor(filed: Filed, looked: Looked = unseen): Planned {
  const { found, usable } = looked;
  return { filed, plan: planFor(filed, found), ...(usable && { usable }) };
}

/** Nothing is begun for anybody while one file asks for what cannot be. */
function demandPossible(planned: readonly Planned[]): void {
  const refused = planned.flatMap(({ filed, plan }) =>
    'refused' in plan ? [`${filed.gateway} (${filed.file}): ${plan.refused}`] : [],
  );
  if (refused.length === 0) return;
  throw new Ended(`nothing was begun, because of\n${refused.map((each) => `  ${each}`).join('\n')}`, exits.refused);
}

function showDryRun(planned: readonly Planned[], pruned: readonly string[], options: Options): Exit {
  const due = planned.filter(isDue).length + pruned.length;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ gateways: planned.map(plannedJson), prune: pruned })}\n`);
  } else {
    const removals = pruned.map((id) => `${id} (in no file): remove; its state is kept as its spec says`);
    const typed =
      pruned.length === 0 || typeof options.prune === 'string' ? [] : [`--prune ${pruned.join(',')} does it`];
    const rest = planned.length + pruned.length - due;
    const lines = [...planned.flatMap(plannedLines), ...removals, ...typed];
    process.stdout.write(`${[...lines, `${due} differ, ${rest} as they should be; nothing was touched`].join('\n')}\n`);
  }
  if (planned.some(({ plan }) => 'refused' in plan)) return exits.refused;
  return due > 0 && options.detailedExitcode ? exits.differs : exits.done;
}

/** The gateways on record that are in no file and not removed, as visibility has them. */
async function inNoFile(client: Client, filed: readonly Filed[]): Promise<string[]> {
  const known = new Set(filed.map(({ gateway }) => gateway));
  const others: string[] = [];
  for await (const { gateway, phase } of list(client))
    if (!known.has(gateway) && !['removed', 'none', 'removing'].includes(phase)) others.push(gateway);
  return others.toSorted();
}

/** The ids that were typed with `--prune`, or `Refused` where a file asks for one of them. */
function idsOf(text: string, filed: readonly Filed[]): string[] {
  const ids = [...new Set(text.split(',').map((each) => gatewayId(each.trim())))];
  for (const id of ids) {
    const asked = filed.find(({ gateway }) => gateway === id);
    if (asked) throw new Refused(`--prune names ${id}, and ${asked.file} asks for it. Nothing was begun`);
  }
  return ids;
}

/** Which gateways can be removed: those that were named and are there, or all that are in no file. */
async function toPrune(
  client: Client,
  { prune }: Options,
  named: readonly string[] | undefined,
  filed: readonly Filed[],
): Promise<string[]> {
  if (prune === undefined) return [];
  return named ? thoseThere(client, named) : inNoFile(client, filed);
}

/** Those of them that somebody has typed by now. */
async function typed(client: Client, unfiled: readonly string[], filed: readonly Filed[]): Promise<string[]> {
  if (unfiled.length === 0) return [];
  const text = await typeIds(unfiled, '--prune removes gateways that are in no file');
  return thoseThere(client, idsOf(text, filed));
}

async function thoseThere(client: Client, ids: readonly string[]): Promise<string[]> {
  const there = await Promise.all(ids.map(async (id) => ((await isThere(client, id)) ? [id] : [])));
  return there.flat();
}

/** Whether there is something to remove; `UnknownGateway` where nobody ever asked for such a gateway. */
async function isThere(client: Client, id: string): Promise<boolean> {
  const { found, told } = await lookAt(client, id, false);
  if (!told) throw new UnknownGateway(`--prune: gateway ${id} is unknown here. \`creel list\` shows those there are`);
  if (found.is === 'lost') throw new Ended(`--prune: ${id}: ${found.cure}. Nothing was begun`, exits.refused);
  return found.is === 'alive';
}
