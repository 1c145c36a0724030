import { CommanderError } from '@commander-js/extra-typings';
import { NoWorker, TurnedDown, UnknownGateway, Unreachable } from '../client/failure.js';
import { Refused } from '../domain/errors.js';

/** The exit codes of the command line, which scripts may rely on. */
export const exits = {
  done: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  failed: 4,
  attention: 5,
  unreachable: 6,
  noWorker: 7,
  differs: 8,
  interrupted: 130,
  unread: 141,
} as const;

export type Exit = (typeof exits)[keyof typeof exits];

/** The exit codes as the help shows them. */
export const exitHelp = `
Exit codes:
  0  done
  1  something unexpected: a fault of creel or of the machine
  2  malformed input or wrong usage; nothing was asked of anybody
  3  refused by the gateway or by what is there
  4  the operation ended undone or failed
  5  it needs attention: parked, degraded, or not usable now
  6  Temporal cannot be reached
  7  no worker answers
  8  something differs (a dry run of apply with --detailed-exitcode)
  130  interrupted; what was asked for goes on
  141  whoever read the output has gone`;

/** Ends the command with a sentence of its own and an exit code. */
export class Ended extends Error {
  override readonly name = 'Ended';
  readonly exit: Exit;

  constructor(message: string, exit: Exit) {
    super(message);
    this.exit = exit;
  }
}

/** The exit code for an error. */
export function exitOf(error: unknown): Exit {
  if (error instanceof Ended) return error.exit;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exits.done : exits.usage;
  if (error instanceof Refused) return exits.usage;
  if (error instanceof UnknownGateway) return exits.refused;
  if (error instanceof Unreachable) return exits.unreachable;
  if (error instanceof NoWorker) return exits.noWorker;
  if (error instanceof TurnedDown)
    return ['Refused', 'Foreign', 'Malformed'].includes(error.kind) ? exits.refused : exits.failed;
  return exits.unexpected;
}

/** An error as one line for people, or as JSON; undefined when it has been reported already, or is none. */
export function errorText(error: unknown, json: boolean): string | undefined {
  if (error instanceof CommanderError) return json ? usageText(error) : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (message === '') return undefined;
  if (!json) return `creel: ${message}`;
  const kind = error instanceof TurnedDown ? error.kind : error instanceof Error ? error.name : 'Error';
  return asJson(kind, message, exitOf(error));
}

/** Wrong usage in the form of every other error; undefined where somebody asked for help and got it. */
function usageText(error: CommanderError): string | undefined {
  if (error.exitCode === 0) return undefined;
  const sentence = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return asJson('Usage', sentence, exitOf(error));
}

function asJson(kind: string, message: string, exit: Exit): string {
  return JSON.stringify({ error: { kind, message, exit } });
}
