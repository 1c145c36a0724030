import type { Client } from '@temporalio/client';
import { createLogUpdate } from 'log-update';
import type { Target } from '../../client/connect.js';
import type { Frame } from '../../client/follow/frame.js';
import { framesOf } from '../../client/follow/follow.js';
import type { Accepted } from '../../wire/requests.js';
import { exits, type Exit } from '../exit.js';
import { endLines } from './end.js';
import { frameLines } from './frame.js';
import { changeLines } from './frame-changes.js';
import { uiLink } from './ui-link.js';

/** How a followed operation is shown. */
export type Showing = {
  readonly json: boolean;
  readonly target: Target;
  /** The park that was just answered: no reason to stop while the operation has yet to hear the answer. */
  readonly answered?: string;
};

/** How often a terminal is redrawn when nothing new arrives: its clocks keep running. */
const redrawMs = 250;

/**
 * Shows an operation until it ends or parks, and returns the exit code that says how. A terminal is redrawn, a pipe
 * gets one line per change, `--json` one frame per line. Ctrl-C leaves the operation running and says how to look
 * again.
 */
export async function follow(client: Client, accepted: Accepted, shown: Showing): Promise<Exit> {
  const interrupt = () => leave(accepted);
  process.once('SIGINT', interrupt);
  try {
    return await show(client, accepted, shown);
  } finally {
    process.off('SIGINT', interrupt);
  }
}

async function show(client: Client, accepted: Accepted, { json, target, answered }: Showing): Promise<Exit> {
  const link = uiLink(target, accepted.workflowId);
  if (link !== undefined && !json) process.stdout.write(`${link}\n`);
  const screen = json ? ndjson() : process.stdout.isTTY ? terminal() : pipe();
  let last: Frame | undefined;
  try {
    for await (const frame of framesOf(client, accepted)) {
      last = frame;
      screen.show(frame);
      if (frame.park && frame.park.number !== answered) break;
    }
  } finally {
    screen.close();
  }
  if (!json && last?.phase === 'ended') for (const line of endLines(last)) process.stdout.write(`${line}\n`);
  return exitFor(last);
}

/** The exit code for the last frame of an operation. */
export function exitFor(frame: Frame | undefined): Exit {
  if (frame?.phase === 'parked' || frame?.outcome === 'degraded') return exits.attention;
  return frame?.outcome === 'done' ? exits.done : exits.failed;
}

export type Screen = { readonly show: (frame: Frame) => void; readonly close: () => void };

export function terminal(): Screen {
  const draw = createLogUpdate(process.stdout);
  let current: Frame | undefined;
  const redraw = () => current && draw(frameLines(current, Date.now()).join('\n'));
  const timer = setInterval(redraw, redrawMs);
  return {
    show: (frame) => {
      current = frame;
      redraw();
    },
    close: () => {
      clearInterval(timer);
      draw.done();
    },
  };
}

export function pipe(): Screen {
  let before: Frame | undefined;
  const tell = (frame: Frame) => {
    for (const line of changeLines(before, frame, Date.now())) process.stdout.write(`${line}\n`);
    before = frame;
  };
  return { show: tell, close: () => undefined };
}

function ndjson(): Screen {
  return { show: (frame) => process.stdout.write(`${JSON.stringify(frame)}\n`), close: () => undefined };
}

function leave(accepted: Accepted): never {
  process.stderr.write(
    `\ncreel: ${accepted.kind} of ${accepted.gateway} goes on without you (operation ${accepted.operation}). Look again with: creel describe ${accepted.gateway}\n`,
  );
  process.exit(exits.interrupted);
}
