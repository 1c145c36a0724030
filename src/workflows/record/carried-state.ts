import { fingerprint } from '../../domain/fingerprint.js';
import type { Answered, End, GatewayState } from './state.js';

/** A request as it was carried while whole requests were. */
type Whole = {
  readonly requestId: string;
  readonly content: string;
  readonly operation: number;
  readonly at: number;
  readonly end?: End;
};

/** What continue-as-new carries: plain JSON, version 1, and small whatever happened (`recordBytes`). */
export type CarriedState = Omit<GatewayState, 'answered'> & {
  /** What older versions carried; empty since. */
  answered: readonly Whole[];
  /** Requests, one a line: fingerprint, fingerprint of the content, operation, time (base 36) and, at its end, kind, birth and outcome. */
  requests?: readonly string[];
};

/** The state in the form in which it is carried. */
export function carry({ answered, ...state }: GatewayState): CarriedState {
  return { ...state, answered: [], requests: answered.map(line) };
}

/** The state that was carried, by this version or an older one. */
export function restored({ answered, requests = [], ...state }: CarriedState): GatewayState {
  return { ...state, answered: [...answered.map(shortened), ...requests.map(readLine)] };
}

function line({ id, content, operation, at, end }: Answered): string {
  const ended = end ? [end.kind, end.birth, end.outcome] : [];
  return [id, content, operation, at.toString(36), ...ended].join(' ');
}

function readLine(text: string): Answered {
  const [id = '', content = '', operation, at = '', ...ended] = text.split(' ');
  const end = readEnd(ended);
  return { id, content, operation: Number(operation), at: Number.parseInt(at, 36), ...(end && { end }) };
}

function readEnd([kind, birth, outcome]: readonly string[]): End | undefined {
  return birth === undefined ? undefined : ({ kind, birth, outcome } as End); // words that `line` wrote
}

function shortened({ requestId, content, ...rest }: Whole): Answered {
  return { ...rest, id: fingerprint(requestId), content: fingerprint(content) };
}
