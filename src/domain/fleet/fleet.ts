import { Refused } from '../errors.js';
import type { Gateway } from '../gateway/gateway.js';
import type { Place } from '../hosts/place.js';
import { fleetWindow } from '../thresholds.js';

/** How a rotation of the whole fleet proceeds. */
export type FleetPlan = {
  /** How many gateways rotate at once. */
  readonly window: number;
  /** The share of those taking part that may fail, from 0 to 1; beyond it the rest is stopped. */
  readonly maxFailed: number;
  /** A rotation that has not begun this long after it was asked for is withdrawn. */
  readonly beginWithinMs: number;
};

/** A gateway that takes part: exactly the life that was seen. */
export type Member = { readonly gateway: string; readonly birth: string; readonly place: Place };

/** A gateway that takes no part, and why. */
export type LeftOut = { readonly gateway: string; readonly reason: string };

/** The fleet as it was seen: who takes part, in the order of their turns, and the rest. */
export type Fleet = {
  readonly members: readonly Member[];
  readonly leftOut: readonly LeftOut[];
  /** Those that never answered: they may be meant, and count as failed. Older looks left them out. */
  readonly silent?: readonly LeftOut[];
};

/** One page of a look: so many gateways, from a place in the order of the run. */
export type FleetLook = {
  readonly run: string;
  /** The master key of a rotation to that key. */
  readonly toKey?: string;
  /** The place of the last gateway looked at; empty at the beginning. */
  readonly after: string;
  readonly limit: number;
};

/** One page of the fleet in the order of the run: those that take part, by their turns, and the rest. */
export type FleetPage = Required<Fleet> & {
  /** Where the next page begins; absent after the last one. */
  readonly after?: string;
};

/** The same, counted: what a run finds out before it asks any gateway. */
export type FleetSurvey = {
  readonly members: number;
  readonly leftOut: number;
  readonly silent: readonly LeftOut[];
  /** The first gateway that is ready. */
  readonly first?: Member;
  readonly after?: string;
};

/** The part of a gateway's life that a run over the fleet looks at. */
export type SeenLife = Pick<Gateway, 'place' | 'keyId'> & {
  readonly mark: Pick<Gateway['mark'], 'birth'>;
  readonly spec: Pick<Gateway['spec'], 'release' | 'rotation'>;
};

/**
 * What a gateway said of itself when it was looked at. `silent`: no answer in time; undefined: it no longer had a
 * record.
 */
export type Seen =
  | 'silent'
  | {
      readonly phase: string;
      readonly life: SeenLife | undefined;
      readonly removing: boolean;
      /** Set for a removed one whose state is still there. */
      readonly stateKeptUntil?: string | undefined;
    }
  | undefined;

const idForm = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const dayMs = 24 * 3_600_000;

/** The id of a run over the fleet as given, or `Refused`. */
export function fleetId(raw: unknown): string {
  if (typeof raw === 'string' && idForm.test(raw)) return raw;
  throw new Refused(
    `the request id ${JSON.stringify(raw)} names no run over the fleet: 1 to 40 of a-z, 0-9 and "-". For example: 2026-11`,
  );
}

/** A plan as it arrives over the wire, or `Refused`. */
export function fleetPlan(raw: unknown): FleetPlan {
  const { window, maxFailed, beginWithinMs } = (raw ?? {}) as Partial<Record<keyof FleetPlan, unknown>>;
  if (!Number.isInteger(window))
    throw new Refused(`the window is ${JSON.stringify(window)}: it must be a whole number`);
  return {
    window: within('window', window, 1, fleetWindow),
    maxFailed: within('share that may fail', maxFailed, 0, 1),
    beginWithinMs: within('time to begin within (ms)', beginWithinMs, 1, 30 * dayMs),
  };
}

function within(name: string, raw: unknown, least: number, most: number): number {
  if (typeof raw === 'number' && raw >= least && raw <= most) return raw;
  throw new Refused(`the ${name} is ${JSON.stringify(raw)}: it must be from ${least} to ${most}`);
}

/** The id of one gateway's request in one run: the same, however often it is made. */
export function fleetRequestId(run: string, gateway: string): string {
  return `fleet-${run}-${gateway}`;
}
