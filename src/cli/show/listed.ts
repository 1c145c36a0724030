import type { Listed } from '../../client/gateways.js';
import { hostText } from './gateway-list.js';
import { recordedPhase } from './recorded-phase.js';
import { row } from './row.js';

/** What the server has on record about a gateway that cannot answer for itself. */
export function listedLines(listed: Listed, why: string, now: number): string[] {
  return [
    `${listed.gateway}  on record: ${recordedPhase(listed.phase, listed.proved, now)} since ${listed.since}`,
    ...row('birth', listed.birth),
    ...row('release', listed.release),
    ...row('host', hostText(listed)),
    ...row('engine', listed.engine),
    ...row('attention', listed.needsAttention && 'needed'),
    `  This is what visibility holds; ${why}`,
  ];
}
