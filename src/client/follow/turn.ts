import type { Description } from '../../wire/description.js';
import type { OperationOutcome } from '../../wire/operation.js';

/** What an operation waits for before it begins, or how it ended. */
export type Turn = { readonly waitingFor: string } | { readonly outcome: OperationOutcome; readonly reason: string };

/** When it is an operation's turn, as its gateway reports; undefined when the gateway no longer knows it. */
export function turnOf(told: Description, operation: number): Turn | undefined {
  const { gateway, queue, running, last, park, held } = told;
  if (last?.operation === operation) return { outcome: last.outcome, reason: last.reason };
  if (running?.operation === operation) return { waitingFor: 'its start' };
  const place = queue.findIndex((each) => each.operation === operation);
  if (place < 0) return undefined;
  const before = running ? `operation ${running.operation} (${running.kind})` : 'the operation before it';
  const ahead = place === 0 ? `the end of ${before}` : `${place + 1} operations before it`;
  if (held && place === 0) return { waitingFor: `${held.until}: until then ${held.why}` };
  if (!park || !running) return { waitingFor: ahead };
  const parked = place === 0 ? 'which is parked' : `of which ${running.operation} is parked`;
  return {
    waitingFor: `${ahead}, ${parked} and waits for a person: \`creel describe ${gateway}\` shows the answers that it takes`,
  };
}
