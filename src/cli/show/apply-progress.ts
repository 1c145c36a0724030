import Table from 'cli-table3';
import { createLogUpdate } from 'log-update';
import type { ApplyEnd } from '../../client/apply/carry-on.js';
import type { Frame } from '../../client/follow/frame.js';
import { borderless } from './borderless.js';
import { titleLine } from './frame.js';

/** How the gateways of an apply are shown while they change. */
export type ApplyScreen = {
  readonly hear: (frame: Frame) => void;
  readonly ended: (end: ApplyEnd) => void;
  readonly close: () => void;
};

/** How often a terminal is redrawn when nothing new arrives. */
const redrawMs = 250;

/** A terminal: one line for each gateway that changes now, and above them those that have ended. */
export function applyTerminal(): ApplyScreen {
  const draw = createLogUpdate(process.stdout);
  const open = new Map<string, Frame>();
  const redraw = () => draw([...open.values()].map((frame) => openLine(frame, Date.now())).join('\n'));
  const timer = setInterval(redraw, redrawMs);
  return {
    hear: (frame) => open.set(frame.gateway, frame),
    ended: (end) => {
      open.delete(end.gateway);
      draw.persist(endLine(end));
      redraw();
    },
    close: () => {
      clearInterval(timer);
      draw.clear();
      draw.done();
    },
  };
}

/** After so long a pipe says once more what goes on. */
const stillMs = 10_000;

/** A pipe: a line when an operation begins, one every ten seconds while it goes on, and one when a gateway has ended. */
export function applyPipe(write: (line: string) => void = toStdout, paceMs = stillMs): ApplyScreen {
  const said = new Set<string>();
  const open = new Map<string, Frame>();
  const timer = setInterval(() => {
    for (const frame of open.values()) write(openLine(frame, Date.now()));
  }, paceMs);
  return {
    hear: (frame) => {
      open.set(frame.gateway, frame);
      if (said.has(frame.workflowId)) return;
      said.add(frame.workflowId);
      write(`${frame.gateway}: ${frame.title}`);
    },
    ended: (end) => {
      open.delete(end.gateway);
      write(endLine(end));
    },
    close: () => clearInterval(timer),
  };
}

/** `--json`: a line when an operation begins, with its id, and one when a gateway has ended. */
export function applyNdjson(write: (line: string) => void = toStdout): ApplyScreen {
  const said = new Set<string>();
  return {
    hear: ({ gateway, kind, operation, workflowId }) => {
      if (said.has(workflowId)) return;
      said.add(workflowId);
      write(JSON.stringify({ gateway, begun: { operation, kind, workflowId } }));
    },
    ended: ({ error: _error, ...end }) => write(JSON.stringify(end)),
    close: () => undefined,
  };
}

function toStdout(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One gateway that changes: its operation, how many of its steps are done, and what the current one waits for. */
function openLine(frame: Frame, now: number): string {
  const current = frame.steps.find(({ state }) => state === 'running' || state === 'undoing');
  const done = frame.steps.filter(({ state }) => state === 'done' || state === 'skipped').length;
  const step = current
    ? `  ${done + 1} of ${frame.steps.length}: ${current.name}${current.sentence === '' ? '' : `, ${current.sentence}`}`
    : frame.waitingFor === ''
      ? ''
      : `  waiting for ${frame.waitingFor}`;
  return `▸ ${titleLine(frame, now)}${step}`;
}

function endLine({ gateway, end, reason }: ApplyEnd): string {
  const sign = end === 'skipped' ? '–' : end === 'done' || end === 'left alone' ? '✓' : '✗';
  return `${sign} ${gateway}: ${endWords[end]}${reason === '' ? '' : `: ${reason}`}`;
}

const endWords: Readonly<Record<ApplyEnd['end'], string>> = {
  'left alone': 'as it should be',
  skipped: 'skipped',
  done: 'done',
  failed: 'FAILED',
  refused: 'REFUSED',
  attention: 'needs attention',
};

/** What came of every gateway for which something was done or is wrong, as a table, and the numbers of all. */
export function summaryText(ends: readonly ApplyEnd[]): string {
  const told = ends.filter(({ end, operations }) => end !== 'left alone' || operations.length > 0);
  return [...(told.length === 0 ? [] : [tableOf(told)]), countsText(ends)].join('\n');
}

function tableOf(ends: readonly ApplyEnd[]): string {
  const table = new Table({
    head: ['GATEWAY', 'END', 'OPERATIONS'],
    style: { head: [], border: [], compact: true },
    chars: borderless,
  });
  for (const { gateway, end, operations } of ends)
    table.push([gateway, endWords[end], operations.map(({ operation, kind }) => `${operation} ${kind}`).join(', ')]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trim())
    .join('\n');
}

function countsText(ends: readonly ApplyEnd[]): string {
  const words = Object.entries(endWords).flatMap(([kind, said]) => {
    const count = ends.filter(({ end }) => end === kind).length;
    return count === 0 ? [] : [`${count} ${said}`];
  });
  return words.join(', ');
}
