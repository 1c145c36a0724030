import type { Client } from '@temporalio/client';
import { whySuspended } from '../../domain/changes/suspension.js';
import type { Found, Living } from '../../domain/apply/plan.js';
import type { Description } from '../../wire/description.js';
import { NoWorker, UnknownGateway } from '../failure.js';
import { describe, type Lost } from '../gateways.js';
import { suspendedIn } from '../serving.js';
import { lookWhetherUsable, type Usable } from '../usable.js';

/** A gateway as it was found: what a plan needs to know of it, its record, and what a probe said, if one was made. */
export type Looked = { readonly found: Found; readonly told?: Description; readonly usable?: Usable };

/**
 * Looks at a gateway: its record and, with `probe`, whether it is usable right now, where it claims to be. `NoWorker`
 * when its record cannot answer.
 */
export async function lookAt(client: Client, gateway: string, probe: boolean): Promise<Looked> {
  const described = await describe(client, gateway).catch((error: unknown) => {
    if (error instanceof UnknownGateway) return undefined;
    throw error;
  });
  if (!described) return { found: { is: 'nothing' } };
  if (described.by === 'record') throw new NoWorker(described.why);
  const { description: told, lost } = described;
  const { life, phase } = told;
  const probed = probe && life && !lost && (phase === 'ready' || phase === 'degraded');
  const usable = probed ? await lookWhetherUsable(client, life, true) : undefined;
  return { found: foundIn(told, lost, usable), told, ...(usable && { usable }) };
}

/** What a record says of a gateway, and what a probe found, if one was made. */
export function foundIn(told: Description, lost: Lost | undefined, usable: Usable | undefined): Found {
  const { gateway, phase, life, running, queue, stateKeptUntil, former } = told;
  const isOver = phase === 'removed' || phase === 'none';
  if (lost && life && !isOver) return { is: 'lost', cure: lostCure(gateway, life.mark.birth, lost) };
  if (stateKeptUntil !== undefined) return { is: 'kept', until: stateKeptUntil };
  if ([running, ...queue].some((each) => each?.kind === 'remove' || each?.kind === 'purge')) return { is: 'going' };
  const [next] = running ? [running] : queue;
  if (!life || (isOver && !next)) return { is: 'nothing' };
  if (told.suspended && !next) return { is: 'suspended', why: whySuspended(gateway, suspendedIn(told.suspended)) };
  if (usable?.unattended) return { is: 'unattended', why: usable.text };
  return {
    is: 'alive',
    spec: life.spec,
    ...(next && { busy: next }),
    ...(former && !former.lost && { former: former.release }),
    ...whatIsWrong(told, usable),
  };
}

/** A gateway that is not usable, or of which an undo left something, is repaired before anything else is asked of it. */
function whatIsWrong({ phase, reason, left }: Description, usable: Usable | undefined): Pick<Living, 'wrong' | 'down'> {
  if (usable && !usable.ok) return { wrong: `it is not usable now: ${usable.text}`, down: true };
  if (phase !== 'degraded') return {};
  return { wrong: `it is degraded: ${reason}`, ...(left.length > 0 && { down: true }) };
}

function lostCure(gateway: string, birth: string, { how, at }: Lost): string {
  return `its record was ${how} at ${at}, and nobody acts for it. \`creel provision ${gateway} --birth ${birth} -f gateway.toml\` takes it up again (docs/runbook.md#lost-record)`;
}
