import { NotYet, Refused } from '../../domain/errors.js';
import { fenceWord, whyUnfenced } from '../../domain/hosts/fence-trial.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Deps } from '../../world/deps.js';
import { fenceOf } from '../parts/host/fence.js';

/**
 * The host of a gateway that begins is fenced, tried within the hour; `Refused` with what its gateways reach, and what
 * cures that (row 72).
 */
export async function probeFence(deps: Deps, { place }: Gateway): Promise<void> {
  const seen = await fenceOf(deps, place);
  if (!seen) throw new NotYet(`no image of a release is on host ${place.host} with which its fence could be tried`);
  const why = whyUnfenced(fenceWord(seen));
  if (why === undefined) return;
  throw new Refused(
    `host ${place.host} is not fenced: ${why}. Put the rules in place there, as root (\`creel hosts rules | sudo sh\`), and ask again; or let the spec say fence = "off" (\`--fence off\`); see docs/runbook.md#host-not-fenced`,
  );
}
