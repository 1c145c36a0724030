import type { Lost } from '../../client/gateways.js';

/** Says that a record was ended from outside, and how to take its gateway up again. */
export function lostLine(gateway: string, birth: string, { how, at }: Lost): string {
  return `${gateway}: its record was ${how} at ${at}; what it owns is still there, and nobody acts for it. \`creel provision ${gateway} --birth ${birth} -f gateway.toml\` takes it up again, \`creel remove ${gateway} --birth ${birth}\` removes it (docs/runbook.md#lost-record)`;
}
