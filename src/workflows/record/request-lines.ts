import type { Answered, End } from './state.js';

/** A request as one line: fingerprint, fingerprint of the content, operation, time (base 36) and, at its end, kind, birth and outcome. */
export function writeLine({ id, content, operation, at, end }: Answered): string {
  const ended = end ? [end.kind, end.birth, end.outcome] : [];
  return [id, content, operation, at.toString(36), ...ended].join(' ');
}

/** The request that `writeLine` wrote. */
export function readLine(text: string): Answered {
  const [id = '', content = '', operation, at = '', ...ended] = text.split(' ');
  const end = readEnd(ended);
  return { id, content, operation: Number(operation), at: Number.parseInt(at, 36), ...(end && { end }) };
}

function readEnd([kind, birth, outcome]: readonly string[]): End | undefined {
  return birth === undefined ? undefined : ({ kind, birth, outcome } as End); // words that `writeLine` wrote
}
