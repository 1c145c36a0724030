import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { Option } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { placeServed } from '../../client/engines.js';
import { ask, localPlace, proposedBirth, request } from '../../client/gateways.js';
import type { Flags } from '../../client/connect.js';
import { NoWorker, TurnedDown, UnknownGateway } from '../../client/failure.js';
import { Refused } from '../../domain/errors.js';
import { gatewayBirth, gatewayId } from '../../domain/gateway/gateway.js';
import { sameSpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import { anyRelease, draftFromToml, specFrom, specOver, type Draft } from '../../settings/spec.js';
import type { Accepted, ProvisionRequest } from '../../wire/requests.js';
import { dryRun } from '../show/dry-run.js';
import { follow } from '../show/follow.js';
import { sayAccepted } from '../show/say-accepted.js';
import { verb, withTemporal } from '../verb.js';

/** `creel provision`: begins a gateway, repairs the one there is, takes up kept state or a life whose record was lost. */
export function provisionCommand() {
  return verb('provision', 'begin a gateway, or repair the one there is', [
    'creel provision g42 --release 2026.9.6',
    'creel provision g42 -f gateway.toml --dry-run      every name and the rendered config, nothing touched',
    'creel provision g42                                repair with the spec on record',
    'creel provision g42 --restore                      take up the state that a removal kept',
    'creel provision g42 -f gateway.toml --birth 7k3fq2 go on with a life whose record was lost',
  ])
    .argument('<id>', 'gateway id, for example g42')
    .option('-f, --file <gateway.toml>', 'the spec in a file; flags go over it')
    .option('--release <version>', 'version of the gateway, for example 2026.9.6')
    .option('--dev', 'take a release that was built on the worker’s machine')
    .option('--memory <size>', 'for example "2 GB" (the default); at least 1.5 GB')
    .option('--cpus <number>', 'for example 2 (the default)')
    .option('--keep-state <duration>', 'how long a removal keeps the state; default "14 days", 0 keeps none')
    .option('--keep-former <duration>', 'how long an upgrade keeps the previous release; default "7 days"')
    .option('--park-for <duration>', 'how long a stuck operation waits for a person; default 0')
    .addOption(
      new Option('--rotation <when>', 'whether `creel rotate --all` takes it along; default manual').choices([
        'manual',
        'scheduled',
      ]),
    )
    .option('--restore', 'take up the state that a removal kept')
    .option('--birth <birth>', 'go on with the life of exactly this birth, whose record was lost')
    .option('--engine <id>', 'the engine to stand on, as `creel describe` and `docker info` name it; any when absent')
    .option('--request-id <id>', 'name the request: the same one twice is one')
    .option('--dry-run', 'print what would be made; nothing is touched, nobody is asked')
    .option('--detach', 'do not follow the operation')
    .action(provision);
}

type Options = Flags &
  SpecFlags & {
    readonly json?: true;
    readonly restore?: true;
    readonly birth?: string;
    readonly engine?: string;
    readonly requestId?: string;
    readonly dryRun?: true;
    readonly detach?: true;
  };

async function provision(rawId: string, options: Options): Promise<void> {
  const id = gatewayId(rawId);
  const draft = draftOf(options);
  const requestId = options.requestId ?? randomUUID();
  const birth = options.birth === undefined ? proposedBirth(id, requestId) : gatewayBirth(options.birth);
  const how = howOf(options);
  const json = options.json === true;
  if (options.dryRun) {
    dryRun({ id, birth, spec: specFrom(draft), proposed: options.birth === undefined, json });
    return;
  }
  const isSaid = Object.keys(draft).length > 0;
  if (isSaid) specFrom({ release: anyRelease, ...draft });
  await withTemporal(options, async (client, target) => {
    const specs = isSaid ? await specsSaid(client, id, how, draft) : ([await specOnRecord(client, id)] as const);
    const asked: Omit<ProvisionRequest, 'spec'> = {
      kind: 'provision',
      requestId,
      origin: origin(),
      place: options.engine === undefined ? localPlace : await placeServed(client, options.engine),
      birth,
      how,
    };
    const accepted = await askInTurn(specs, (spec) => request(client, id, { ...asked, spec }));
    const shown = { json, target };
    sayAccepted(accepted, requestId, shown, options.detach === true);
    if (!options.detach) process.exitCode = await follow(client, accepted, shown);
  });
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
  readonly keepState?: string;
  readonly keepFormer?: string;
  readonly parkFor?: string;
  readonly rotation?: string;
};

function draftOf(flags: SpecFlags): Draft {
  const cpus = flags.cpus === undefined ? undefined : Number(flags.cpus);
  if (Number.isNaN(cpus)) throw new Refused(`--cpus ${JSON.stringify(flags.cpus)} is not a number. For example: 2`);
  return {
    ...(flags.file !== undefined && draftFromToml(readText(flags.file), flags.file)),
    ...(flags.release !== undefined && { release: flags.release }),
    ...(flags.dev && { dev: true }),
    ...(flags.memory !== undefined && { memory: flags.memory }),
    ...(cpus !== undefined && { cpus }),
    ...(flags.keepState !== undefined && { keep_state: flags.keepState }),
    ...(flags.keepFormer !== undefined && { keep_former: flags.keepFormer }),
    ...(flags.parkFor !== undefined && { park_for: flags.parkFor }),
    ...(flags.rotation !== undefined && { rotation: flags.rotation === 'scheduled' ? 'scheduled' : 'manual' }),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Refused(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
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
 * What a draft can mean: of a gateway that lives, what it does not say stays as on record. A request that is repeated was all that was
 * said when it was made, with the defaults for the rest: that comes second.
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

/** The spec of a gateway that lives; undefined when none does, or nobody answers: the request itself says then what is the matter. */
async function specOfLiving(client: Client, id: string): Promise<GatewaySpec | undefined> {
  try {
    const { life, phase } = await ask(client, id);
    return phase === 'removed' || phase === 'none' ? undefined : life?.spec;
  } catch (error) {
    if (error instanceof UnknownGateway || error instanceof NoWorker) return undefined;
    throw error;
  }
}

/** Asks with one spec after another until one is taken; when none is, what was said of the first counts. */
async function askInTurn(
  [first, ...others]: readonly [GatewaySpec, ...GatewaySpec[]],
  asking: (spec: GatewaySpec) => Promise<Accepted>,
): Promise<Accepted> {
  try {
    return await asking(first);
  } catch (error) {
    const [next, ...rest] = others.filter((each) => !sameSpec(each, first));
    if (!next || !(error instanceof TurnedDown)) throw error;
    return await askInTurn([next, ...rest], asking).catch(() => Promise.reject(error));
  }
}

/** Nobody said what the gateway should be: as it is on record. */
async function specOnRecord(client: Client, id: string): Promise<GatewaySpec> {
  try {
    const { life } = await ask(client, id);
    if (life) return life.spec;
  } catch (error) {
    if (!(error instanceof UnknownGateway)) throw error;
  }
  throw new Refused(
    `${id} has no spec on record: say what it should be, with --release or -f gateway.toml. For example: creel provision ${id} --release 2026.9.6`,
  );
}
