import { isAlive, type GatewayState } from './state.js';
import { operationWorkflowId } from '../../wire/ids.js';
import type { Description } from '../../wire/description.js';
import type { GatewayStart } from '../../wire/requests.js';
import { describePark, type Park } from '../../wire/park.js';
import { heldUntil } from './unsettled.js';

/** The record as `describe` answers it. */
export function describeState(start: GatewayStart, state: GatewayState, park: Park | undefined): Description {
  const { life, running } = state;
  const birth = life?.mark.birth ?? 'none';
  const last = state.ended.at(-1);
  return {
    deployment: start.deployment,
    gateway: start.gateway,
    phase: park ? 'parked' : state.phase,
    since: new Date(state.since).toISOString(),
    reason: park ? describePark(start.gateway, park) : state.reason,
    life,
    record: state.record,
    skipped: state.skipped,
    approved: state.approved ?? [],
    left: state.left,
    park,
    running: running && {
      operation: running.number,
      kind: running.kind,
      workflowId: operationWorkflowId(start.gateway, birth, running.number, running.kind),
    },
    queue: state.queue.map(({ number, kind }) => ({ operation: number, kind })),
    ...heldOf(state),
    last: last && {
      operation: last.number,
      kind: last.kind,
      workflowId: operationWorkflowId(start.gateway, last.birth, last.number, last.kind),
      outcome: last.outcome,
      reason: last.reason,
    },
    stateKeptUntil: state.stateKeptUntil > 0 ? new Date(state.stateKeptUntil).toISOString() : undefined,
    ...(isAlive(state) && handOverOf(state)),
    ...formerOf(state),
  };
}

function formerOf({ kept }: GatewayState): Pick<Description, 'former'> {
  if (!kept) return {};
  const lost = kept.lost && { lost: true as const };
  return { former: { release: kept.spec.release, until: new Date(kept.until).toISOString(), ...lost } };
}

/** Why nothing runs although something waits. */
function heldOf(state: GatewayState): Pick<Description, 'held'> {
  const until = heldUntil(state);
  if (until === undefined || state.running !== undefined) return {};
  return {
    held: { until: new Date(until).toISOString(), why: 'a lost attempt of an earlier operation may still land' },
  };
}

/** The rotated token that nobody has fetched, if any; it says nothing of a gateway that is gone. */
export function handOverOf({ handOver }: GatewayState): Pick<Description, 'handOver'> {
  return handOver
    ? { handOver: { generation: handOver.generation, since: new Date(handOver.since).toISOString() } }
    : {};
}

/** That a rotated token waits for somebody, as people read it. */
export function describeHandOver({ generation, since }: NonNullable<Description['handOver']>): string {
  return `hand-over due: token generation ${generation}, since ${since}`;
}

/** What the Temporal UI shows of a gateway: what is happening, since when, why it waits, which command to give. */
export function detailsOf(start: GatewayStart, state: GatewayState, park: Park | undefined): string {
  const told = describeState(start, state, park);
  const { phase, since, reason, life, running, queue, left, record, handOver, held } = told;
  const lines = [`**${phase}** since ${since}`];
  if (reason !== '') lines.push(reason);
  if (life)
    lines.push(
      `birth ${life.mark.birth}, release ${life.spec.release}, host ${life.place.host}, token generation ${life.tokenGeneration}`,
    );
  if (handOver) lines.push(`${describeHandOver(handOver)}. \`creel token show ${start.gateway}\` reveals it`);
  if (record) lines.push(`proved usable at ${record.provedAt} on port ${record.port}`);
  if (running) lines.push(`running: ${running.workflowId}`);
  if (queue.length > 0) lines.push(`waiting: ${queue.map((each) => `${each.operation}-${each.kind}`).join(', ')}`);
  if (held) lines.push(`held until ${held.until}: ${held.why}`);
  for (const each of left) lines.push(`left: ${each.step}: ${each.reason}`);
  return lines.join('\n\n');
}
