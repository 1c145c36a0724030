import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { listedPollers, type Poller } from '../client/pollers.js';
import { Refused } from '../domain/errors.js';
import { claimSettleMs } from '../domain/thresholds.js';
import { engineQueue, taskQueue, waitsQueue } from '../wire/ids.js';
import { bootOf, type Machine } from './machine.js';

const paceMs = 1_000;

export type Claim = {
  readonly client: Client;
  readonly engine: string;
  readonly machine: Machine;
  /** A machine that has not polled for this long is gone. */
  readonly goneAfterMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** Pollers that are gone, and when they last polled. */
export type Gone = ReadonlyMap<string, number>;

/**
 * Resolves when no other machine serves an engine of this id, with those that did. The polls decide: a machine that
 * polls again while we look is alive, and this one is `Refused`; one that does not counts as gone after the length of a
 * poll, and its place is taken. Several workers on one machine serve one engine. The server's times are compared only
 * with each other, never with a clock of ours.
 */
export async function awaitClaim(claim: Claim): Promise<Gone> {
  const began = performance.now();
  const first = new Map<string, number>();
  for (;;) {
    const others = await othersOf(claim);
    const alive = others.find(({ identity, seenAt }) => seenAt > (first.get(identity) ?? seenAt));
    if (alive) throw twoClaim(claim, alive);
    const newest = await newestPoll(claim);
    const perhaps = others.filter(({ seenAt }) => newest - seenAt < claim.goneAfterMs);
    const isOver = performance.now() - began >= claim.goneAfterMs;
    if (perhaps.length === 0 || isOver) return new Map(others.map(({ identity, seenAt }) => [identity, seenAt]));
    if (first.size === 0) sayWaiting(claim, perhaps);
    for (const { identity, seenAt } of others) first.set(identity, first.get(identity) ?? seenAt);
    await after(paceMs, undefined, { signal: claim.signal });
  }
}

/** If two machines began at once, one is `Refused`: always the same one, whichever looks. */
export async function demandClaim(claim: Claim, gone: Gone = new Map()): Promise<void> {
  await after(claimSettleMs, undefined, { signal: claim.signal });
  const others = (await othersOf(claim)).filter(({ identity, seenAt }) => gone.get(identity) !== seenAt);
  const other = others.find(({ identity }) => (bootOf(identity) ?? '') < claim.machine.boot);
  if (other) throw twoClaim(claim, other);
}

function sayWaiting({ engine, log }: Claim, others: readonly Poller[]): void {
  log.warn({ engine, others }, 'another machine served this engine a moment ago; waiting whether it polls again');
}

async function othersOf({ client, engine, machine }: Claim): Promise<Poller[]> {
  const pollers = await listedPollers(client, waitsQueue(engineQueue(engine)), 'activity');
  return pollers.filter(({ identity }) => bootOf(identity) !== machine.boot);
}

/** The server's clock is at least here: this worker has polled for workflows since before it asks. */
async function newestPoll({ client }: Claim): Promise<number> {
  return Math.max(0, ...(await listedPollers(client, taskQueue, 'workflow')).map(({ seenAt }) => seenAt));
}

function twoClaim({ engine, machine, goneAfterMs }: Claim, { identity }: Poller): Refused {
  return new Refused(
    `two machines claim engine ${engine}: this one (${machine.identity}) and ${identity}, which serves it now. Disks that were cloned share the id of their engine: give this machine's engine one of its own, or end the worker there (it counts as gone after ${goneAfterMs / 1000} s); see docs/runbook.md#two-machines-one-engine`,
  );
}
