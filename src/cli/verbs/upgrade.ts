import { gatewayId } from '../../domain/gateway/gateway.js';
import { releaseVersion } from '../../domain/release/release.js';
import { milliseconds } from '../../settings/spec.js';
import { Refused } from '../../domain/errors.js';
import { startPeriodMs } from '../../domain/thresholds.js';
import { planOrAsk, changeVerb } from '../change-verb.js';

/**
 * `creel upgrade`: another release, proved before the serving one is given up; on any failure, that one serves again.
 */
export function upgradeCommand() {
  return changeVerb('upgrade', 'run another release; the old one serves again unless the new one is proved', [
    'creel upgrade g42 --release 2026.9.6',
    'creel upgrade g42 --release 2026.9.6 --ready-within "3 minutes"   a long migration',
    'creel upgrade g42 --release 2026.9.6 --retry-failed               although it failed here before',
  ])
    .requiredOption('--release <version>', 'version of the gateway, for example 2026.9.6')
    .option('--dev', 'take a release that was built on the worker’s machine')
    .option('--no-dev', 'and take none from now on, where it did; as on record when neither is said')
    .option('--retry-failed', 'try a release again that failed here three times')
    .action((rawId, options) =>
      planOrAsk(gatewayId(rawId), options, {
        kind: 'upgrade',
        release: releaseVersion(options.release),
        dev: options.dev === true,
        ...(options.dev === false && { devAsSaid: true as const }),
        retryFailed: options.retryFailed === true,
        ...readyMs(options.readyWithin),
      }),
    );
}

/** `creel rollback`: the former release, together with its saved state. */
export function rollbackCommand() {
  return changeVerb('rollback', 'go back to the release from before the last upgrade, with the state it had then', [
    'creel rollback g42',
  ]).action((rawId, options) =>
    planOrAsk(gatewayId(rawId), options, { kind: 'rollback', ...readyMs(options.readyWithin) }),
  );
}

/** How long the new container may take to get ready, if given; `Refused` below what any start may take (S3-20). */
export function readyMs(said: string | undefined): { readonly readyMs?: number } {
  if (said === undefined) return {};
  const asked = milliseconds('--ready-within', said);
  if (asked >= startPeriodMs) return { readyMs: asked };
  throw new Refused(
    `--ready-within ${JSON.stringify(said)} is too short: nothing is called unhealthy within ${startPeriodMs / 1000} seconds of its start. Leave it out, or give it more`,
  );
}
