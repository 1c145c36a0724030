import { Refused } from '../../domain/errors.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { planOrAsk } from '../change-verb.js';
import { confirm } from '../confirm.js';
import { fleetOptions, rotateAll } from './rotate-all.js';
import { verb, type withTemporal } from '../verb.js';

/**
 * `creel rotate`: the next gateway token, applied while the gateway runs, and proved; the result says what was proved
 * when.
 */
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
  if (window ?? maxFailed ?? beginWithin) throw new Refused('--window, --max-failed and --begin-within are for --all');
  const id = gatewayId(rawId);
  const evict = options.evict === true;
  if (evict && !dryRun) await confirm(id, options.yes, `--evict removes every paired device of ${id}`);
  await planOrAsk(id, options, { kind: 'rotate', reclaim: options.reclaim === true, evict });
}
