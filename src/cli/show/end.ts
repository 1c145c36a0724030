import type { Frame } from '../../client/follow/frame.js';
import type { OperationKind } from '../../wire/operation.js';

/** What a gateway begins to serve by. */
const begins: ReadonlySet<OperationKind> = new Set(['provision', 'repair', 'restore', 'take-up', 'resume']);

/** How an operation ended, and what to type next. */
export function endLines(frame: Frame): string[] {
  const { record } = frame;
  const proved = record
    ? [
        `${frame.gateway} runs ${record.version}; proved usable at ${record.provedAt}: authenticated connection with ${record.operatorScopes.join(', ')}; channels: ${record.channels}`,
      ]
    : [];
  const model =
    record && begins.has(frame.kind)
      ? [record.model === undefined ? 'no model: nobody is answered' : `model: ${record.model}`]
      : [];
  const audit = frame.proofs.map(({ at, step, proof }) => `${at}  ${step}: ${proof}`);
  const reason = frame.reason === '' ? [] : [`why: ${frame.reason}`];
  const left = frame.left.map((each) => `left behind: ${each.step} (${each.kind}): ${each.reason}`);
  const next = frame.commands.length === 0 ? [] : [`next: ${frame.commands.join('  |  ')}`];
  return [...audit, ...proved, ...model, ...reason, ...left, ...next];
}
