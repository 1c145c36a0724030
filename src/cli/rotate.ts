import { randomUUID } from 'node:crypto';
import { localPlace, requestChange } from '../client/gateways.js';
import { Refused } from '../domain/errors.js';
import { gatewayId } from '../domain/gateway.js';
import type { RotateRequest } from '../workflows/change-requests.js';
import { confirm } from './confirm.js';
import { follow } from './follow.js';
import { origin } from './provision.js';
import { fleetOptions, rotateAll } from './rotate-all.js';
import { sayAccepted } from './say-accepted.js';
import { verb, withTemporal } from './verb.js';

/** `creel rotate`: the next gateway token, applied while the gateway runs and proved; what was proved when is its result. */
export function rotateCommand() {
  return verb('rotate', 'put the next gateway token in force and prove it, or go back', [
    'creel rotate g42',
    'creel rotate g42 --reclaim             over a token that somebody else set',
    'creel rotate g42 --evict               after a compromise: every device has to pair again',
    'creel rotate --all --dry-run           every gateway whose spec says rotation: scheduled, the first one alone',
    'creel rotate --all --window 5 --max-failed 10%',
  ])
    .argument('[id]', 'gateway id')
    .option('--reclaim', 'whatever token is in force now, the next one is set from inside')
    .option('--evict', 'remove every device and close every session: who is let in again must pair again')
    .option('--yes <id>', 'the id once more, instead of typing it (with --evict)')
    .option('--all', 'every gateway that takes part, instead of one')
    .addOption(fleetOptions.window)
    .addOption(fleetOptions.maxFailed)
    .addOption(fleetOptions.beginWithin)
    .addOption(fleetOptions.dryRun)
    .option('--request-id <id>', 'name the request, or with --all the run: the same one twice is one')
    .option('--detach', 'do not follow the operation')
    .action(async (rawId, options) => {
      const { all, reclaim, evict, ...rest } = options;
      if (all !== true) return rotateOne(rawId, options);
      if (rawId !== undefined || reclaim || evict)
        throw new Refused('--all takes neither an id nor --reclaim nor --evict: those are for one gateway');
      return rotateAll(rest);
    });
}

type Options = Parameters<typeof withTemporal>[0] & {
  readonly json?: true;
  readonly reclaim?: true;
  readonly evict?: true;
  readonly yes?: string;
  readonly requestId?: string;
  readonly detach?: true;
  readonly window?: string;
  readonly maxFailed?: string;
  readonly beginWithin?: string;
  readonly dryRun?: true;
};

async function rotateOne(rawId: string | undefined, options: Options): Promise<void> {
  if (rawId === undefined) throw new Refused('name the gateway to rotate, or say --all');
  const { window, maxFailed, beginWithin, dryRun } = options;
  if (window ?? maxFailed ?? beginWithin ?? dryRun)
    throw new Refused('--window, --max-failed, --begin-within and --dry-run are for --all');
  const id = gatewayId(rawId);
  const evict = options.evict === true;
  if (evict) await confirm(id, options.yes, `--evict removes every paired device of ${id}`);
  const requestId = options.requestId ?? randomUUID();
  const reclaim = options.reclaim === true;
  const asked: RotateRequest = { kind: 'rotate', requestId, origin: origin(), place: localPlace, reclaim, evict };
  await withTemporal(options, async (client, target) => {
    const accepted = await requestChange(client, id, asked);
    const shown = { json: options.json === true, target };
    sayAccepted(accepted, requestId, shown, options.detach === true);
    if (!options.detach) process.exitCode = await follow(client, accepted, shown);
  });
}
