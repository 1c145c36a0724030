import type { Frame, StepFrame } from '../../client/follow/frame.js';
import { nameWidth, noteLines, stepLine, titleLine } from './frame.js';

/**
 * What a pipe prints when one frame follows another: a line for each step whose state changed, and for each new note.
 */
export function changeLines(before: Frame | undefined, after: Frame, now: number): string[] {
  const width = nameWidth(after);
  const known = new Map(before?.steps.map((step) => [step.name, step]));
  const steps = after.steps.filter((step) => step.state !== 'waiting' && !sameStep(known.get(step.name), step));
  const said = new Set(before ? noteLines(before, now).map(withoutTimes) : []);
  const notes = noteLines(after, now).filter((line) => !said.has(withoutTimes(line)));
  const title = before?.phase === after.phase ? [] : [titleLine(after, now)];
  if (after.phase === 'ended')
    return [...steps.map((step) => stepLine(step, width, now).trimEnd()), ...notes, ...title];
  return [...title, ...steps.map((step) => stepLine(step, width, now).trimEnd()), ...notes];
}

function sameStep(before: StepFrame | undefined, after: StepFrame): boolean {
  return (
    before?.state === after.state &&
    (after.waits || before.attempt === after.attempt) &&
    withoutTimes(before.sentence) === withoutTimes(after.sentence)
  );
}

/** A sentence without its times: one in which only a time has changed is no news to a pipe. */
function withoutTimes(text: string): string {
  return text.replaceAll(/\d+(?:\.\d+)? ?m?s\b/g, '…');
}
