import { runReconcile } from '../../client/net/reconcile.js';
import type { Drifted, ReconcileResult } from '../../wire/reconcile.js';
import { exits } from '../exit.js';
import { sayingSlow, verb, withTemporal } from '../verb.js';

/** `creel reconcile`: whether every gateway that is ready by its record is there as recorded. */
export function reconcileCommand() {
  return verb('reconcile', 'look whether every ready gateway is there as recorded; repairs those whose spec says so', [
    'creel reconcile --dry-run              only looks',
    'creel reconcile                        has those repaired whose spec says repair: scheduled',
  ])
    .option('--dry-run', 'name those that are not; nothing is asked of anybody')
    .action(async (options) => {
      await withTemporal(options, async (client) => {
        const result = await sayingSlow('looking at every ready gateway', () =>
          runReconcile(client, { dryRun: options.dryRun === true }),
        );
        process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${reconciledText(result)}\n`);
        process.exitCode = result.counts.drifted > 0 ? exits.attention : exits.done;
      });
    });
}

function reconciledText({ ready, drifted, unasked, counts }: ReconcileResult): string {
  const rest = counts.drifted - drifted.length;
  return [
    `${ready} ready gateways looked at, ${counts.drifted} not as recorded, ${counts.repairs} asked for a repair`,
    ...drifted.map((each) => `  ${driftLine(each)}`),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    ...unasked.map(({ engine, reason }) => `not looked at: engine ${engine}: ${reason}`),
  ].join('\n');
}

/** In what a gateway is not as recorded, and what mends it. */
export function driftLine({ gateway, drifts, done }: Drifted): string {
  const cure = done ?? `\`creel provision ${gateway}\` repairs it`;
  return `${gateway}: ${drifts.join('; ')}. ${cure}`;
}
