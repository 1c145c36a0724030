import { standsAs } from '../../domain/billing/account.js';
import { isAlive, stateKeptUntil, type GatewayState } from './state.js';
import { operationWorkflowId } from '../../wire/ids.js';
import type { Description } from '../../wire/description.js';
import { secretsOf } from '../../domain/gateway/secrets-of.js';
import type { GatewayStart } from '../../wire/requests.js';
import { describePark, type Park } from '../../wire/park.js';
import { askedIn, changeIn } from './queued.js';
import { heldUntil } from './unsettled.js';

/** The record as `describe` answers it. */
export function describeState(start: GatewayStart, state: GatewayState, park: Park | undefined): Description {
  const { life, running } = state;
  const birth = life?.gateway.mark.birth ?? 'none';
  const keptUntil = stateKeptUntil(state);
  const last = state.ended.at(-1);
  return {
    deployment: start.deployment,
    gateway: start.gateway,
    phase: park ? 'parked' : state.phase,
    since: new Date(state.since).toISOString(),
    reason: park ? describePark(start.gateway, park) : state.reason,
    life: life?.gateway,
    record: life?.record,
    skipped: life?.skipped ?? [],
    approved: life?.approved ?? [],
    ...(life?.burned && { burned: life.burned }),
    left: life?.left ?? [],
    park,
    running: running && {
      operation: running.number,
      kind: running.kind,
      workflowId: operationWorkflowId(start.gateway, birth, running.number, running.kind),
    },
    queue: state.queue.map(({ number, kind }) => ({ operation: number, kind })),
    ...soughtOf(state),
    ...heldOf(state),
    last: last && {
      operation: last.number,
      kind: last.kind,
      workflowId: operationWorkflowId(start.gateway, last.birth, last.number, last.kind),
      outcome: last.outcome,
      reason: last.reason,
    },
    stateKeptUntil: keptUntil > 0 ? new Date(keptUntil).toISOString() : undefined,
    ...paidOf(state),
    ...(life?.suspended && { suspended: { ...life.suspended, since: new Date(life.suspended.since).toISOString() } }),
    ...(isAlive(state) && handOverOf(state)),
    ...formerOf(state),
  };
}

/** The subscription that pays for it, as far as it was told of. */
function paidOf({ paid }: GatewayState): Pick<Description, 'paid'> {
  if (!paid) return {};
  const { account, refused } = paid;
  const { since, ...stands } = standsAs(account);
  const { subscription } = account;
  return {
    paid: { subscription, ...stands, since: new Date(since).toISOString(), ...(refused !== undefined && { refused }) },
  };
}

function formerOf({ life }: GatewayState): Pick<Description, 'former'> {
  if (!life?.former) return {};
  const { shelf, spec, until, lost } = life.former;
  const secrets = secretsOf(spec);
  return {
    former: {
      release: spec.release,
      until: new Date(until).toISOString(),
      shelf,
      ...(lost && { lost }),
      ...(secrets.length > 0 && { secrets }),
    },
  };
}

/** The secrets that a change will use: of one that runs what it is to come to, of one that waits what it was asked for. */
function soughtOf(state: GatewayState): Pick<Description, 'sought'> {
  const { running, queue } = state;
  const wanted = [...(running ? [changeIn(running)] : []), ...queue.map((each) => askedIn(each) ?? changeIn(each))];
  const sought = secretsOf(wanted);
  return sought.length > 0 ? { sought } : {};
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
export function handOverOf({ life }: GatewayState): Pick<Description, 'handOver'> {
  if (!life?.handOver) return {};
  const { generation, since } = life.handOver;
  return { handOver: { generation, since: new Date(since).toISOString() } };
}

/** That a rotated token waits for somebody, as people read it. */
export function describeHandOver({ generation, since }: NonNullable<Description['handOver']>): string {
  return `hand-over due: token generation ${generation}, since ${since}`;
}

/** What the Temporal UI shows of a gateway: what is happening, since when, why it waits, which command to give. */
export function detailsOf(start: GatewayStart, state: GatewayState, park: Park | undefined): string {
  const told = describeState(start, state, park);
  const { phase, since, reason, life, running, queue, left, record, handOver, held, paid } = told;
  const lines = [`**${phase}** since ${since}`];
  if (reason !== '') lines.push(reason);
  if (paid) lines.push(`subscription ${paid.subscription}: ${paid.standing} since ${paid.since}`);
  if (paid?.refused !== undefined) lines.push(`what it comes to was refused: ${paid.refused}`);
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
