import type { Suspension } from '../../domain/changes/suspension.js';
import { whySuspended } from '../../domain/changes/suspension.js';
import { Refused } from '../../domain/errors.js';
import { readinessMs, suspensionReasonLength } from '../../domain/thresholds.js';
import type { SuspendRequest } from '../../wire/change-requests.js';
import { repair } from '../provision/operation.js';
import type { Life } from '../record/life.js';
import { openOperations, type GatewayState } from '../record/state.js';
import { change, type Operation } from '../record/operation.js';

/** A gateway stops and is kept whole: nobody is served, and no restart of its host brings it back. */
export const suspend = change({
  kind: 'suspend',
  workflow: 'suspendGateway',
  phase: 'suspending',
  steps: {
    'check suspension': { do: 'probeSuspendable', pace: 'act' }, // only reads
    'stop gateway': { do: 'ensureSuspension', undo: 'removeSuspension', pace: 'wait' },
    'prove stopped': { do: 'probeSuspended', pace: 'act' }, // only reads
  },
  list: (_change: Suspension) => suspendSteps,
  check: checkSuspension,
  plan: (_state, _life, { reason = '', by }, since): Suspension => ({
    kind: 'suspend',
    since,
    reason,
    ...(by && { by }),
  }),
  apply: (_state, life, { since, reason, by }) => {
    life.suspended = { since, reason, ...(by && { by }) };
  },
  within: () => 2 * readinessMs,
  next: { done: (id) => [`creel resume ${id}`], left: (id) => `creel describe ${id}` },
});

export const suspendSteps = ['check suspension', 'stop gateway', 'prove stopped'] as const;

/** A suspended gateway serves again, and that is proved by the whole list: what went missing meanwhile is mended on the way. */
export const resume: Operation = { ...repair, kind: 'resume', workflow: 'resumeGateway', phase: 'resuming' };

function checkSuspension({ reason = '', by }: SuspendRequest, { gateway, suspended }: Life): void {
  if (by !== undefined) throw new Refused('only an account suspends for itself');
  if (typeof reason !== 'string' || reason.length > suspensionReasonLength)
    throw new Refused(`a reason is a text of ${suspensionReasonLength} characters at most`);
  if (suspended) throw new Refused(whySuspended(gateway.mark.gateway, suspended));
}

/** Only what is suspended can be resumed, or `Refused`; what is about to be, when it is. */
export function checkResumption(state: GatewayState, { gateway, suspended }: Life): void {
  if (suspended) return;
  const id = gateway.mark.gateway;
  const coming = openOperations(state).find(({ kind }) => kind === 'suspend');
  if (coming)
    throw new Refused(
      `${id} is not suspended yet: its suspension (operation ${coming.number}) ${coming === state.running ? 'is under way' : 'waits'}. \`creel resume ${id}\` when it has ended; \`creel describe ${id}\` shows how far it is`,
    );
  throw new Refused(`${id} is not suspended. \`creel provision ${id}\` repairs it where it does not serve`);
}
