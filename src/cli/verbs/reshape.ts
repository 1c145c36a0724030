import { readFileSync } from 'node:fs';
import { Option } from '@commander-js/extra-typings';
import { Refused } from '../../domain/errors.js';
import { changedSpec, type SpecChange } from '../../domain/gateway/spec.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import {
  anyRelease,
  channelsFrom,
  draftFromToml,
  megabytes,
  milliseconds,
  specFrom,
  type Draft,
} from '../../settings/spec.js';
import { planOrAsk, changeVerb } from '../change-verb.js';
import { readyMs } from './upgrade.js';

/** `creel change`: other resources or channels for the same release, with the same way back as an upgrade. */
export function changeCommand() {
  return changeVerb(
    'change',
    'give a gateway other resources or channels; what it had serves again unless that is proved',
    [
      'creel change g42 --memory "4 GB" --cpus 2',
      'creel change g42 --memory "4 GB" --dry-run   whether it needs a new container, and how long it is silent',
      'creel change g42 --channels gateway.toml      exactly the [[channels]] of that file, secrets read anew',
      'creel change g42 --rotation scheduled         only the record changes; so with --park-for, --keep-state, --keep-former',
    ],
  )
    .option('--memory <size>', 'for example "4 GB"; at least 1.5 GB')
    .option('--cpus <number>', 'for example 2')
    .option('--channels <gateway.toml>', 'exactly the channels of this file: none in it means none')
    .addOption(
      new Option('--rotation <when>', 'whether `creel rotate --all` takes it along').choices([
        'manual',
        'scheduled',
      ] as const),
    )
    .option('--park-for <duration>', 'how long an operation waits for an operator before it unwinds')
    .option('--keep-state <duration>', 'how long a removal keeps the state; 0 keeps none')
    .option('--keep-former <duration>', 'how long the previous release is kept; from the next upgrade on')
    .action((rawId, options) =>
      planOrAsk(gatewayId(rawId), options, { kind: 'change', ...wished(options), ...readyMs(options.readyWithin) }),
    );
}

type Wished = {
  readonly memory?: string;
  readonly cpus?: string;
  readonly channels?: string;
  readonly rotation?: 'manual' | 'scheduled';
  readonly parkFor?: string;
  readonly keepState?: string;
  readonly keepFormer?: string;
};

/** What the flags ask for, or `Refused` where no gateway can have it. */
function wished(flags: Wished): SpecChange {
  const wish = readFlags(flags);
  changedSpec(specFrom({ release: anyRelease }), wish);
  return wish;
}

function readFlags({ memory, cpus, channels, rotation, parkFor, keepState, keepFormer }: Wished): SpecChange {
  if ([memory, cpus, channels, rotation, parkFor, keepState, keepFormer].every((each) => each === undefined))
    throw new Refused('say what is to change, for example --memory "4 GB"; `creel change --help` lists it');
  const count = Number(cpus);
  if (Number.isNaN(count) && cpus !== undefined)
    throw new Refused(`--cpus ${JSON.stringify(cpus)} is not a number. For example: 2`);
  return {
    ...(memory !== undefined && { memoryMb: megabytes(memory) }),
    ...(cpus !== undefined && { cpus: count }),
    ...(channels !== undefined && { channels: channelsFrom(draftOf(channels)) }),
    ...(rotation !== undefined && { rotation }),
    ...(parkFor !== undefined && { parkMs: milliseconds('--park-for', parkFor) }),
    ...(keepState !== undefined && { keepStateMs: milliseconds('--keep-state', keepState) }),
    ...(keepFormer !== undefined && { keepFormerMs: milliseconds('--keep-former', keepFormer) }),
  };
}

function draftOf(file: string): Draft {
  try {
    return draftFromToml(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
