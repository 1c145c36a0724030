import { Option } from '@commander-js/extra-typings';
import { Refused } from '../../domain/errors.js';
import { changedSpec, type SpecChange } from '../../domain/gateway/spec.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { readGatewayFile } from '../../settings/gateway-file.js';
import {
  anyRelease,
  channelsFrom,
  environmentFrom,
  extrasFrom,
  timezoneFrom,
  megabytes,
  milliseconds,
  specFrom,
  modelsFrom,
} from '../../settings/spec.js';
import { planOrAsk, changeVerb } from '../change-verb.js';
import { readyMs } from './upgrade.js';

const fenceOption = new Option('--fence <demand>', 'off: it may begin anew on a host that is not fenced').choices([
  'on',
  'off',
] as const);

/** `creel change`: other resources or channels for the same release, with the same way back as an upgrade. */
export function changeCommand() {
  return changeVerb(
    'change',
    'give a gateway other resources, channels, models or settings; what it had serves again unless that is proved',
    [
      'creel change g42 --memory "4 GB" --cpus 2',
      'creel change g42 --memory "4 GB" --dry-run   whether it needs a new container, and how long it is silent',
      'creel change g42 --channels gateway.toml      exactly the [[channels]] of that file, secrets read anew',
      'creel change g42 --models gateway.toml        exactly its model, fallbacks and [[models]], keys read anew',
      'creel change g42 --config gateway.toml        exactly the [config] of that file, once its release has started with it on a copy',
      'creel change g42 --timezone Europe/Berlin     by a new container; so with --environment gateway.toml',
      'creel change g42 --rotation scheduled         only the record changes; so with --repair, --fence, --disk, --park-for, --keep-state, --keep-former',
    ],
  )
    .option('--memory <size>', 'for example "4 GB"; at least 1.5 GB')
    .option('--cpus <number>', 'for example 2')
    .option('--disk <size>', 'how much its state is to take, for example "20 GB", or none; only the record changes')
    .option(
      '--channels <gateway.toml>',
      'exactly the channels of this file (- for the standard input): none in it means none',
    )
    .option('--models <gateway.toml>', 'exactly the models of this file: none in it means that nobody is answered')
    .option('--config <gateway.toml>', 'exactly the [config] of this file: none in it means none')
    .option('--timezone <zone>', 'for example Europe/Berlin, or none for UTC; by a new container')
    .option('--environment <gateway.toml>', 'exactly the [environment] of this file; by a new container')
    .addOption(
      new Option('--rotation <when>', 'whether `creel rotate --all` takes it along').choices([
        'manual',
        'scheduled',
      ] as const),
    )
    .addOption(
      new Option('--repair <when>', 'whether a reconciliation by schedule repairs it').choices([
        'manual',
        'scheduled',
      ] as const),
    )
    .addOption(fenceOption)
    .option('--renew', 'by a new container, which has the proxy and the certificates that its host has now')
    .option('--park-for <duration>', 'how long an operation waits for an operator before it unwinds')
    .option('--keep-state <duration>', 'how long a removal keeps the state; 0 keeps none')
    .option('--keep-former <duration>', 'how long the previous release is kept; from the next upgrade on')
    .action((rawId, options) => {
      const wish = wished(gatewayId(rawId), options);
      const renew = options.renew === true && ({ renew: true } as const);
      return planOrAsk(rawId, options, { kind: 'change', ...wish, ...renew, ...readyMs(options.readyWithin) });
    });
}

type Wished = {
  readonly memory?: string;
  readonly cpus?: string;
  readonly disk?: string;
  readonly channels?: string;
  readonly models?: string;
  readonly config?: string;
  readonly timezone?: string;
  readonly environment?: string;
  readonly rotation?: 'manual' | 'scheduled';
  readonly repair?: 'manual' | 'scheduled';
  readonly fence?: 'on' | 'off';
  readonly parkFor?: string;
  readonly keepState?: string;
  readonly keepFormer?: string;
  readonly renew?: true;
};

/** What the flags ask for, or `Refused` where no gateway can have it. */
function wished(id: string, flags: Wished): SpecChange {
  const wish = readFlags(id, flags);
  const { config: _held, ...others } = wish; // Its file has held it against the channels and models beside it.
  changedSpec(specFrom({ release: anyRelease }), others);
  return wish;
}

function readFlags(id: string, flags: Wished): SpecChange {
  const wish = { ...readAmounts(flags), ...readTables(id, flags) };
  if (Object.keys(wish).length > 0 || flags.renew) return wish;
  throw new Refused('say what is to change, for example --memory "4 GB"; `creel change --help` lists it');
}

/** What stands in a `gateway.toml`: exactly what it says. */
function readTables(id: string, { channels, models, config, environment }: Wished): SpecChange {
  const draft = (file: string) => readGatewayFile(file, id).draft;
  return {
    ...(channels !== undefined && { channels: channelsFrom(draft(channels)) }),
    ...(models !== undefined && { models: modelsFrom(draft(models)) ?? 'none' }),
    ...(config !== undefined && { config: extrasFrom(draft(config)) }),
    ...(environment !== undefined && { environment: environmentFrom(draft(environment)) }),
  };
}

function readAmounts(flags: Wished): SpecChange {
  const { memory, cpus, disk, timezone, rotation, repair, fence, parkFor, keepState, keepFormer } = flags;
  const count = Number(cpus);
  if (Number.isNaN(count) && cpus !== undefined)
    throw new Refused(`--cpus ${JSON.stringify(cpus)} is not a number. For example: 2`);
  return {
    ...(memory !== undefined && { memoryMb: megabytes(memory) }),
    ...(cpus !== undefined && { cpus: count }),
    ...(disk !== undefined && { diskMb: disk === 'none' ? disk : megabytes(disk, 'disk') }),
    ...(timezone !== undefined && { timezone: timezoneFrom(timezone) }),
    ...(rotation !== undefined && { rotation }),
    ...(repair !== undefined && { repair }),
    ...(fence !== undefined && { fence }),
    ...(parkFor !== undefined && { parkMs: milliseconds('--park-for', parkFor) }),
    ...(keepState !== undefined && { keepStateMs: milliseconds('--keep-state', keepState) }),
    ...(keepFormer !== undefined && { keepFormerMs: milliseconds('--keep-former', keepFormer) }),
  };
}
