import type { Frame, StepFrame, StepState } from '../../client/follow/frame.js';
import { taskQueue, waitsQueue } from '../../wire/ids.js';
import { parkLines } from './park.js';
import { seconds } from './time-text.js';

const signs: Record<StepState, string> = {
  waiting: '·',
  running: '▸',
  done: '✓',
  failed: '✗',
  undoing: '↶',
  undone: '↶',
  skipped: '-',
};

/** Work that has waited longer than this for a worker is worth a note. */
const unattendedMs = 3_000;

/**
 * An operation as a terminal shows it: title, steps with their times and sentences, and what is needed of the reader.
 */
export function frameLines(frame: Frame, now: number): string[] {
  const width = nameWidth(frame);
  return [
    titleLine(frame, now),
    ...frame.steps.map((step) => `  ${stepLine(step, width, now)}`.trimEnd()),
    ...noteLines(frame, now).map((line) => `  ${line}`),
  ];
}

/** What runs, how it stands, and for how long. */
export function titleLine(frame: Frame, now: number): string {
  return `${frame.title}  ${phaseText(frame)}${elapsedText(frame, now)}`;
}

/** The width of the column of step names. */
export function nameWidth({ steps }: Frame): number {
  return Math.max(0, ...steps.map((step) => step.name.length));
}

function phaseText(frame: Frame): string {
  if (frame.phase === 'forward') return 'running';
  return frame.phase === 'ended' ? (frame.outcome ?? 'ended') : frame.phase;
}

function elapsedText(frame: Frame, now: number): string {
  if (frame.startedAt === undefined) return '';
  return `, ${seconds((frame.endedAt === undefined ? now : Date.parse(frame.endedAt)) - Date.parse(frame.startedAt))}`;
}

/** One step: how it stands, its time, and its sentence. */
export function stepLine(step: StepFrame, width: number, now: number): string {
  const end = step.endedAt === undefined ? now : Date.parse(step.endedAt);
  const took = step.startedAt === undefined ? '' : seconds(end - Date.parse(step.startedAt));
  const notes = [
    step.state === 'undone' || step.state === 'skipped' ? step.state : '',
    step.attempt > 1 && !step.waits && step.state !== 'done' && step.state !== 'undone'
      ? `attempt ${step.attempt}`
      : '',
    step.sentence,
  ].filter((each) => each !== '');
  return `${signs[step.state]} ${step.name.padEnd(width)}  ${took.padStart(8)}  ${notes.join(': ')}`;
}

/** What the operation waits for, and what it needs of the reader. */
export function noteLines(frame: Frame, now: number): string[] {
  const waited = frame.unattendedSince === undefined ? 0 : now - Date.parse(frame.unattendedSince);
  return [
    ...(frame.waitingFor === '' ? [] : [`waiting for ${frame.waitingFor}`]),
    ...(waited >= unattendedMs ? [unattended(frame, waited)] : []),
    ...(frame.park ? parkLines(frame.gateway, frame.park) : []),
  ];
}

/** Says whether the worker is missing or slow: a slow one still polls. */
function unattended({ unpolled, queue = taskQueue }: Frame, waited: number): string {
  if (!unpolled) return `no worker has taken this up for ${seconds(waited)}: one polls, and is slow`;
  const [, engine] = queue.replace(waitsQueue(''), '').split('@');
  const where = engine === undefined ? '' : `; start the worker beside engine ${engine}`;
  return `no worker polls task queue ${queue}; this has waited for ${seconds(waited)}, and goes on when one runs${where}`;
}
