import { fleetOptions, rotateAll } from './rotate-all.js';
import { verb } from './verb.js';

/** `creel rotate-all`: rotates every gateway whose spec says `rotation: scheduled`. */
export function rotateAllCommand() {
  return verb('rotate-all', 'rotate every gateway whose spec says rotation: scheduled, the first one alone', [
    'creel rotate-all --dry-run',
    'creel rotate-all --window 5 --max-failed 10%',
  ])
    .addOption(fleetOptions.window)
    .addOption(fleetOptions.maxFailed)
    .addOption(fleetOptions.beginWithin)
    .addOption(fleetOptions.dryRun)
    .addOption(fleetOptions.requestId)
    .addOption(fleetOptions.detach)
    .action(rotateAll);
}
