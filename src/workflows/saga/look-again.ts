import type { Changing } from '../../domain/gateway/changing.js';
import type { StepsTaking } from './step.js';

/** What tells whether a gateway serves when a change of it came to nothing. */
export const lookRows = {
  'look again': { do: 'findUnchanged', pace: 'wait', attempts: 3 }, // only reads
} as const satisfies StepsTaking<Changing<unknown>>;

export const lookStep = 'look again' satisfies keyof typeof lookRows;

const notServing = 'it does not serve: ';

/** What a record says of a gateway that did not serve when it was looked at, after a change of it had come to nothing; a cure that was named already stays the only one. */
export function lookedDown(said: string, gateway: string): string {
  const hasCure = /docs\/runbook\.md#|`creel /.test(said);
  return `${notServing}${said}${hasCure ? '' : `. \`creel provision ${gateway}\` repairs it`}`;
}

/** Whether that is what a record says. */
export function isOfLook(reason: string): boolean {
  return reason.startsWith(notServing);
}
