import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { pollersOf, type Poller } from '../client/pollers.js';
import { Refused } from '../domain/errors.js';
import { claimSettleMs } from '../domain/thresholds.js';
import { engineQueue, waitsQueue } from '../workflows/ids.js';
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

/**
 * Resolves when no other machine serves an engine of this id. Who polls decides that: one that polls again while we look lives, and
 * is `Refused` beside it; one that does not is gone within a poll's time, and its place is taken. Several workers on one machine serve one engine.
 */
export async function awaitClaim(claim: Claim): Promise<void> {
  const began = Date.now();
  let said = false;
  for (;;) {
    const others = await othersOf(claim);
    if (others.length === 0) return;
    const alive = others.find(({ seenAt }) => seenAt > began + paceMs);
    if (alive) throw twoClaim(claim, alive);
    if (!said)
      claim.log.warn(
        { engine: claim.engine, others },
        'another machine served this engine a moment ago; waiting whether it polls again',
      );
    said = true;
    await after(paceMs, undefined, { signal: claim.signal });
  }
}

/** After two machines began at once, one of them is `Refused`: always the same one, whoever looks. */
export async function demandClaim(claim: Claim): Promise<void> {
  await after(claimSettleMs, undefined, { signal: claim.signal });
  const other = (await othersOf(claim)).find(({ identity }) => (bootOf(identity) ?? '') < claim.machine.boot);
  if (other) throw twoClaim(claim, other);
}

async function othersOf({ client, engine, machine, goneAfterMs }: Claim): Promise<Poller[]> {
  const pollers = await pollersOf(client, waitsQueue(engineQueue(engine)), 'activity', goneAfterMs);
  return pollers.filter(({ identity }) => bootOf(identity) !== machine.boot);
}

function twoClaim({ engine, machine, goneAfterMs }: Claim, { identity }: Poller): Refused {
  return new Refused(
    `two machines claim engine ${engine}: this one (${machine.identity}) and ${identity}, which serves it now. Disks that were cloned share the id of their engine: give this machine's engine one of its own, or end the worker there (it counts as gone after ${goneAfterMs / 1000} s); see docs/runbook.md#two-machines-one-engine`,
  );
}
