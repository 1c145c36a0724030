import type { z } from 'zod';
import { invalid } from './answer.js';
import type { MachineBody } from './body.js';
import type { Operation, Region } from './state.js';
import { wireTime } from './answer.js';

/** How long things take, in milliseconds. The real ones take a thousand times as long. */
export type Paces = {
  /** From an order until a machine runs, and then until its address is told. */
  readonly pendingMs: number;
  readonly addressMs: number;
  /** How long an ordered machine is not listed although its name is taken. */
  readonly unseenMs: number;
  readonly stopMs: number;
  readonly deleteMs: number;
  /** How long a name stays taken after a machine has gone. */
  readonly lingerMs: number;
};

/** What the answer to a call may use. */
export type Call = {
  readonly region: Region;
  readonly input: unknown;
  readonly body: MachineBody;
  readonly paces: Paces;
};

/** Answers one of Lightsail's operations. */
export type Handler = (call: Call) => unknown;

/** A handler of calls with an input of this shape; anything else is Lightsail's word for it. */
export function handler<T>(shape: z.ZodType<T>, answer: (call: Call, input: T) => unknown): Handler {
  return (call) => {
    const parsed = shape.safeParse(call.input);
    if (parsed.success) return answer(call, parsed.data);
    const [issue] = parsed.error.issues;
    throw invalid(`Invalid input: ${issue?.path.join('.')}: ${issue?.message}`);
  };
}

/** How many entries a page of a list has: few, so that whoever reads lists turns pages. */
const pageLength = 4;

/** One page of a list. */
export function pageOf<T>(
  all: readonly T[],
  token: string | undefined,
): { page: T[]; next: { nextPageToken?: string } } {
  const from = token === undefined ? 0 : Number(token);
  if (!Number.isInteger(from) || from < 0) throw invalid('The page token is not valid.');
  const end = from + pageLength;
  return { page: all.slice(from, end), next: end < all.length ? { nextPageToken: String(end) } : {} };
}

/** An operation as Lightsail answers it. */
export function operationView(operation: Operation, region: string): Record<string, unknown> {
  const { createdAt, zone = 'all', ...rest } = operation;
  return {
    ...rest,
    createdAt: wireTime(createdAt),
    statusChangedAt: wireTime(createdAt),
    isTerminal: operation.status !== 'Started',
    location: { availabilityZone: zone, regionName: region },
  };
}
