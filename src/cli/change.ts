import { readFileSync } from 'node:fs';
import { Refused } from '../domain/errors.js';
import { gatewayId } from '../domain/gateway.js';
import { channelsFrom, draftFromToml, megabytes, type Draft } from '../spec.js';
import { askForChange, changeVerb } from './change-verb.js';
import { readyMs } from './upgrade.js';

/** `creel change`: other resources or channels for the same release, with the same way back as an upgrade. */
export function changeCommand() {
  return changeVerb(
    'change',
    'give a gateway other resources or channels; what it had serves again unless that is proved',
    [
      'creel change g42 --memory "4 GB" --cpus 2',
      'creel change g42 --channels gateway.toml      exactly the [[channels]] of that file',
    ],
  )
    .option('--memory <size>', 'for example "4 GB"; at least 1.5 GB')
    .option('--cpus <number>', 'for example 2')
    .option('--channels <gateway.toml>', 'exactly the channels of this file: none in it means none')
    .action((rawId, options) =>
      askForChange(gatewayId(rawId), options, { kind: 'change', ...wished(options), ...readyMs(options.readyWithin) }),
    );
}

type Wished = { readonly memory?: string; readonly cpus?: string; readonly channels?: string };

function wished({ memory, cpus, channels }: Wished) {
  if (memory === undefined && cpus === undefined && channels === undefined)
    throw new Refused('say what is to change: --memory, --cpus or --channels. For example: --memory "4 GB"');
  const count = Number(cpus);
  if (Number.isNaN(count) && cpus !== undefined)
    throw new Refused(`--cpus ${JSON.stringify(cpus)} is not a number. For example: 2`);
  return {
    ...(memory !== undefined && { memoryMb: megabytes(memory) }),
    ...(cpus !== undefined && { cpus: count }),
    ...(channels !== undefined && { channels: channelsFrom(draftOf(channels)) }),
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
