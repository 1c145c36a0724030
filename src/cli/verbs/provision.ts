import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { Option } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { placeOnHost, placeServed } from '../../client/deployment/engines.js';
import { readHeld } from '../../client/deployment/deployment.js';
import { findOffer } from '../../client/offer.js';
import { ask, localPlace, proposedBirth, request } from '../../client/gateways.js';
import type { Flags } from '../../client/connect.js';
import { NoWorker, TurnedDown, UnknownGateway, Unreachable } from '../../client/failure.js';
import { demandNoObstacle, demandRoom, demandTaken } from '../../client/foresee.js';
import { durationText } from '../../domain/amounts.js';
import { Refused } from '../../domain/errors.js';
import { placeFor, type Place } from '../../domain/hosts/place.js';
import { gatewayBirth, gatewayId, layout, type Gateway } from '../../domain/gateway/gateway.js';
import { sameSpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import { settingsOf } from '../../domain/gateway/spec-words.js';
import { readGatewayFile, type GatewayFile } from '../../settings/gateway-file.js';
import { anyRelease, specFrom, specOver, type Draft } from '../../settings/spec.js';
import type { Description } from '../../wire/description.js';
import type { ProvisionRequest } from '../../wire/requests.js';
import { dryRun, repairRun } from '../show/plans/dry-run.js';
import { follow } from '../show/follow.js';
import { sayAccepted } from '../show/say-accepted.js';
import { confirm } from '../confirm.js';
import { verb, withTemporal } from '../verb.js';

const fenceOption = new Option('--fence <demand>', 'off: it may begin on a host that is not fenced').choices([
  'on',
  'off',
]);

/**
 * `creel provision`: begins a gateway, repairs an existing one, or takes up a kept state or a life whose record was
 * lost.
 */
export function provisionCommand() {
  return verb('provision', 'begin a gateway, or repair the one there is', [
    'creel provision g42 --release 2026.9.6',
    'creel provision g42 -f gateway.toml --dry-run      every name and the rendered config, nothing touched',
    'creel provision g42                                repair with the spec on record',
    'creel provision g42 --release 2026.9.6 --provider lightsail --region eu-central-1   on a machine of its own',
    'creel provision g42 --restore                      take up the state that a removal kept',
    'creel provision g42 -f gateway.toml --birth 7k3fq2 go on with a life whose record was lost',
  ])
    .argument('<id>', 'gateway id, for example g42')
    .option('-f, --file <gateway.toml>', 'the spec in a file, or - for the standard input; flags go over it')
    .option('--release <version>', 'version of the gateway, for example 2026.9.6')
    .option('--dev', 'take a release that was built on the worker’s machine')
    .option('--memory <size>', 'for example "2 GB" (the default); at least 1.5 GB')
    .option('--cpus <number>', 'for example 2 (the default)')
    .option(
      '--disk <size>',
      'how much its state is to take, for example "10 GB"; measured, not enforced; default: none',
    )
    .option('--keep-state <duration>', 'how long a removal keeps the state; default "14 days", 0 keeps none')
    .option('--keep-former <duration>', 'how long an upgrade keeps the previous release; default "7 days"')
    .option('--park-for <duration>', 'how long a stuck operation waits for a person; default 0')
    .addOption(
      new Option('--rotation <when>', 'whether `creel rotate --all` takes it along; default manual').choices([
        'manual',
        'scheduled',
      ]),
    )
    .addOption(
      new Option('--repair <when>', 'whether a reconciliation by schedule repairs it; default manual').choices([
        'manual',
        'scheduled',
      ]),
    )
    .addOption(fenceOption)
    .addOption(new Option('--provider <name>', 'buys it a machine of its own there').choices(['lightsail']))
    .option('--region <name>', 'where, for example eu-central-1')
    .option('--size <id>', 'of its machine, as the provider names it; the cheapest that carries it when absent')
    .option('--yes <id>', 'with a machine: the id once more, instead of typing it')
    .option('--restore', 'take up the state that a removal kept')
    .option('--birth <birth>', 'go on with the life of exactly this birth, whose record was lost')
    .option('--engine <id>', 'the engine to stand on, as `creel describe` and `docker info` name it; any when absent')
    .option('--host <name>', 'the host to stand on, as `creel engine list` names it; any when absent')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--dry-run', 'print what would be made, or why it would be refused; nothing is touched')
    .option('--detach', 'do not follow the operation')
    .action(provision);
}

type Options = Flags &
  SpecFlags & {
    readonly json?: true;
    readonly restore?: true;
    readonly birth?: string;
    readonly engine?: string;
    readonly host?: string;
    readonly requestId?: string;
    readonly dryRun?: true;
    readonly detach?: true;
    readonly yes?: string;
  };

/** Begins, repairs or takes up a gateway, as the flags say, and follows that. */
export async function provision(rawId: string, options: Options): Promise<void> {
  const id = gatewayId(rawId);
  const file = options.file === undefined ? undefined : readGatewayFile(options.file, id);
  const draft = draftOf(options, file);
  const where = {
    engine: options.engine,
    host: options.host ?? (options.engine === undefined ? file?.host : undefined),
  };
  const requestId = options.requestId ?? randomUUID();
  const birth = options.birth === undefined ? proposedBirth(id, requestId) : gatewayBirth(options.birth);
  const how = howOf(options);
  const json = options.json === true;
  const isSaid = Object.keys(draft).length > 0;
  if (isSaid) specFrom({ release: anyRelease, ...draft });
  if (options.dryRun) return planProvision({ id, draft, how, requestId, birth, where }, options);
  await withTemporal(options, async (client, target) => {
    const specs = isSaid ? await specsSaid(client, id, how, draft) : ([await specOnRecord(client, id, how)] as const);
    await demandYes(client, { id, draft, how, requestId, birth, where }, specs[0], options.yes);
    const asked: Omit<ProvisionRequest, 'spec'> = {
      kind: 'provision',
      requestId,
      origin: origin(),
      place: await placeAsked(client, where),
      birth,
      how,
    };
    const accepted = await askInTurn(specs, (spec) => request(client, id, { ...asked, spec }));
    const shown = { json, target };
    sayAccepted(accepted, requestId, shown, options.detach === true);
    if (!options.detach) process.exitCode = await follow(client, accepted, shown);
  });
}

/** Has somebody say yes to what a machine costs, before it is bought. A gateway that lives has its machine. */
async function demandYes(client: Client, { id, birth, how }: Wish, spec: GatewaySpec, yes: string | undefined) {
  if (!spec.machine || how !== 'new' || (await specOfLiving(client, id))) return;
  await confirm(id, yes, `this buys a ${await offerOf(client, id, birth, spec)}, from now until ${id} is removed`);
}

/** What its machine would be and cost. */
async function offerOf(client: Client, id: string, birth: string, spec: GatewaySpec): Promise<string> {
  const mark = { deployment: (await readHeld(client)).deployment, gateway: id, birth, layout };
  const place = placeFor(mark, spec.machine, localPlace);
  return findOffer(client, { mark, place, spec, tokenGeneration: 1, deviceGeneration: 1 });
}

type Wish = {
  readonly id: string;
  readonly draft: Draft;
  readonly how: ProvisionRequest['how'];
  readonly requestId: string;
  readonly birth: string;
  readonly where: Where;
};

/** The engine or the host that is named; neither for anywhere. */
type Where = { readonly engine: string | undefined; readonly host: string | undefined };

/**
 * Prints what a provision would make, or that it would repair what is there, unless it would be refused. Where nobody
 * can be asked, it is only what the spec says, and says so.
 */
async function planProvision(wish: Wish, options: Options): Promise<void> {
  const proposed = options.birth === undefined;
  const { id, birth, draft } = wish;
  const found = await withTemporal(options, async (client) => foreseen(client, wish)).catch((error: unknown) => {
    if (error instanceof Unreachable || error instanceof NoWorker) return { unheard: error.message };
    throw error;
  });
  const json = options.json === true;
  if ('unheard' in found) dryRun({ id, birth, spec: specFrom(draft), proposed, json, unheard: found.unheard });
  else if (found.repairs) repairRun(found.repairs, json);
  else dryRun({ id, ...found, proposed: proposed && found.birth === birth, json });
}

type Foreseen = {
  readonly spec: GatewaySpec;
  readonly birth: string;
  /** The machine that it would buy, and its price. */
  readonly offer?: string;
  /** The gateway that it would repair; absent when it would begin one. */
  readonly repairs?: Description;
};

/** What would come of a provision, or the refusal that it would meet before anything is touched. */
async function foreseen(client: Client, { id, draft, how, requestId, birth, where }: Wish): Promise<Foreseen> {
  const told = await ask(client, id).catch((error: unknown) => {
    if (error instanceof UnknownGateway) return undefined;
    throw error;
  });
  const isSaid = Object.keys(draft).length > 0;
  const specs = isSaid ? await specsSaid(client, id, how, draft) : ([await specOnRecord(client, id, how)] as const);
  const place = await placeAsked(client, where);
  const asked = { kind: 'provision', requestId, origin: origin(), place, birth, how } as const;
  const spec = await askInTurn(specs, async (each) => {
    await demandTaken(client, id, { ...asked, spec: each });
    return each;
  });
  const lives = told?.life && told.phase !== 'removed' && told.phase !== 'none';
  if (lives) return { spec, birth, repairs: told };
  const mark = { deployment: told?.deployment ?? '', gateway: id, birth, layout };
  const gateway = { mark, place, spec, tokenGeneration: 1, deviceGeneration: 1 };
  const offer = await sayingPark(gateway, async () => {
    await demandNoObstacle(client, gateway, how === 'new' ? { begins: [id] } : {});
    await demandRoom(
      client,
      how === 'restore' && told?.life ? { ...gateway, mark: told.life.mark, place: told.life.place } : gateway,
    );
    return spec.machine && how !== 'restore' ? { offer: await offerOf(client, id, birth, spec) } : {};
  });
  return { spec, birth: how === 'restore' ? (told?.life?.mark.birth ?? birth) : birth, ...offer };
}

/** What the first steps refuse waits for a person where the spec says so: then that is said as well. */
async function sayingPark<T>({ mark, spec: { parkMs } }: Gateway, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TurnedDown) || error.kind !== 'Refused' || parkMs === 0) throw error;
    const parks = `With its park_for it would be parked for ${durationText(parkMs)} at most, and go on with \`creel retry ${mark.gateway}\` once that is mended`;
    throw new TurnedDown(`${error.message}\n${parks}`, error.kind, { cause: error });
  }
}

/** Where it is to stand: the engine or the host that is named; anywhere when neither is. */
async function placeAsked(client: Client, { engine, host }: Where): Promise<Place> {
  if (engine !== undefined && host !== undefined)
    throw new Refused('--engine and --host exclude each other: each says where the gateway stands');
  if (engine !== undefined) return placeServed(client, engine);
  return host === undefined ? localPlace : placeOnHost(client, host);
}

/** Who asks, as people read it in the record. */
export function origin(): string {
  return `${userInfo().username}@${hostname()}`;
}

type SpecFlags = {
  readonly file?: string;
  readonly release?: string;
  readonly dev?: true;
  readonly memory?: string;
  readonly cpus?: string;
  readonly disk?: string;
  readonly keepState?: string;
  readonly keepFormer?: string;
  readonly parkFor?: string;
  readonly rotation?: string;
  readonly repair?: string;
  readonly fence?: string;
  readonly provider?: string;
  readonly region?: string;
  readonly size?: string;
};

function draftOf(flags: SpecFlags, file: GatewayFile | undefined): Draft {
  const cpus = flags.cpus === undefined ? undefined : Number(flags.cpus);
  if (Number.isNaN(cpus)) throw new Refused(`--cpus ${JSON.stringify(flags.cpus)} is not a number. For example: 2`);
  return {
    ...file?.draft,
    ...(flags.release !== undefined && { release: flags.release }),
    ...(flags.dev && { dev: true }),
    ...(flags.memory !== undefined && { memory: flags.memory }),
    ...(cpus !== undefined && { cpus }),
    ...(flags.disk !== undefined && { disk: flags.disk }),
    ...(flags.keepState !== undefined && { keep_state: flags.keepState }),
    ...(flags.keepFormer !== undefined && { keep_former: flags.keepFormer }),
    ...(flags.parkFor !== undefined && { park_for: flags.parkFor }),
    ...(flags.rotation !== undefined && { rotation: flags.rotation === 'scheduled' ? 'scheduled' : 'manual' }),
    ...machineOf(flags),
    ...(flags.repair !== undefined && { repair: flags.repair === 'scheduled' ? 'scheduled' : 'manual' }),
    ...(flags.fence !== undefined && { fence: flags.fence === 'off' ? 'off' : 'on' }),
  };
}

/** The machine that flags ask for; `Refused` where they say something of one and not where it is bought. */
function machineOf({ provider, region, size }: SpecFlags): Pick<Draft, 'machine'> {
  if (provider === undefined && region === undefined && size === undefined) return {};
  if (provider === undefined || region === undefined)
    throw new Refused('a machine of its own needs both: --provider lightsail --region eu-central-1');
  return { machine: { provider, region, ...(size !== undefined && { size }) } };
}

function howOf(options: { restore?: true; birth?: string }): ProvisionRequest['how'] {
  if (options.restore && options.birth !== undefined) {
    throw new Refused(
      '--restore and --birth exclude each other: one takes up kept state, the other a life without a record',
    );
  }
  if (options.restore) return 'restore';
  return options.birth === undefined ? 'new' : 'take up';
}

/**
 * The specs that a draft can mean, likeliest first: for a living gateway, what the draft leaves out stays as recorded.
 * A repeated request may date from before there was a record, with defaults for the rest: that reading comes second.
 */
async function specsSaid(
  client: Client,
  id: string,
  how: ProvisionRequest['how'],
  draft: Draft,
): Promise<readonly [GatewaySpec, ...GatewaySpec[]]> {
  const onRecord = how === 'new' ? await specOfLiving(client, id) : undefined;
  if (!onRecord) return [specFrom(draft)];
  const over = specOver(onRecord, draft);
  return draft.release === undefined ? [over] : [over, specFrom(draft)];
}

/**
 * The spec of a living gateway; undefined when there is none or nobody answers, which the request itself will then
 * report.
 */
async function specOfLiving(client: Client, id: string): Promise<GatewaySpec | undefined> {
  try {
    const { life, phase } = await ask(client, id);
    return phase === 'removed' || phase === 'none' ? undefined : life?.spec;
  } catch (error) {
    if (error instanceof UnknownGateway || error instanceof NoWorker) return undefined;
    throw error;
  }
}

/** Asks with one spec after another until one is accepted; when none is, the refusal of the first counts. */
async function askInTurn<T>(
  [first, ...others]: readonly [GatewaySpec, ...GatewaySpec[]],
  asking: (spec: GatewaySpec) => Promise<T>,
): Promise<T> {
  try {
    return await asking(first);
  } catch (error) {
    const [next, ...rest] = others.filter((each) => !sameSpec(each, first));
    if (!next || !(error instanceof TurnedDown)) throw error;
    return await askInTurn([next, ...rest], asking).catch(() => Promise.reject(error));
  }
}

/** The spec on record, for a request that brings none. Whoever begins another life with that of an ended one reads so. */
async function specOnRecord(client: Client, id: string, how: ProvisionRequest['how']): Promise<GatewaySpec> {
  try {
    const { life, phase, stateKeptUntil } = await ask(client, id);
    const begins = how === 'new' && phase === 'removed' && stateKeptUntil === undefined;
    if (life && begins) process.stderr.write(`creel: ${againText(id, life.spec)}\n`);
    if (life) return life.spec;
  } catch (error) {
    if (!(error instanceof UnknownGateway)) throw error;
  }
  throw new Refused(
    `${id} has no spec on record: say what it should be, with --release or -f gateway.toml. For example: creel provision ${id} --release 2026.9.6`,
  );
}

/** That a gateway which was removed begins anew, and with which spec. */
function againText(id: string, spec: GatewaySpec): string {
  const settings = settingsOf(spec).map(({ setting, asked }) => `${setting} = ${asked}`);
  return `${id} was removed, and begins again as it was on record: ${settings.join(', ')}. Another spec: -f gateway.toml`;
}
