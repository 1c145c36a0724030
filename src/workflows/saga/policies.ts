import { workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import { finalKinds } from '../../domain/errors.js';
import { isMachine, type Place } from '../../domain/hosts/place.js';
import { mintLinkMs } from '../../domain/thresholds.js';
import { engineQueue, waitsQueue } from '../../wire/ids.js';
import type { Limits } from '../../wire/limits.js';
import { startToClose, type Step } from './step.js';

const lookAttempts = 4;

/** Some two minutes: nobody waits for a sweep, a busy worker is late, and what is left out now is looked at the next time. */
const netAttempts = 20;

/** How an activity runs that no step names: a question to the world, or a page. */
export function askPolicy(limits: Limits): ActivityOptions {
  return { ...base(limits), startToCloseTimeout: limits.actMs };
}

/** How a link is minted: the gateway may take its time, and the answer must still have room. */
export function linkPolicy(limits: Limits): ActivityOptions {
  return { ...lookPolicy(limits), startToCloseTimeout: mintLinkMs + limits.actMs };
}

/** The queue on which the engine of a place is worked on. Of a machine of its own the run's own, because every worker reaches it; of a place without an engine likewise, as for everything that older versions began. */
export function onEngine(place: Place): Pick<ActivityOptions, 'taskQueue'> {
  return place.engine === undefined || isMachine(place) ? {} : { taskQueue: engineQueue(place.engine) };
}

/** The queue of a step: of one that only waits, the one with slots of its own. */
export function queueOf(step: Step | undefined, place: Place): Pick<ActivityOptions, 'taskQueue'> {
  const { taskQueue } = onEngine(place);
  if (taskQueue === undefined) return isMachine(place) && step?.waits ? { taskQueue: waitsQueue(ownQueue()) } : {};
  return { taskQueue: step?.waits ? waitsQueue(taskQueue) : taskQueue };
}

/** The queue that every worker serves. */
function ownQueue(): string {
  return workflowInfo().taskQueue;
}

/** How a look asks: a person waits, so few attempts, and the answer is what was seen. */
export function lookPolicy(limits: Limits): ActivityOptions {
  const policy = askPolicy(limits);
  return { ...policy, retry: { ...policy.retry, maximumAttempts: lookAttempts } };
}

/** How a sweep and a reconciliation look and act: what stops a container waits for its graceful end. */
export function netPolicy(limits: Limits): ActivityOptions {
  const { retry, ...policy } = askPolicy(limits);
  return { ...policy, startToCloseTimeout: limits.undoMs, retry: { ...retry, maximumAttempts: netAttempts } };
}

/** How a log is read: like a look, in slots for what waits, and nobody waits for its end when its reader has gone. */
export function logPolicy(limits: Limits, place: Place): ActivityOptions {
  const { engine } = place;
  return {
    ...lookPolicy(limits),
    cancellationType: 'TRY_CANCEL',
    summary: 'read log',
    ...(engine !== undefined && { taskQueue: waitsQueue(isMachine(place) ? ownQueue() : engineQueue(engine)) }),
  };
}

/** How a step's `do` runs: limited by start-to-close × attempts, and by nothing that runs while nobody works. */
export function doPolicy(step: Step | undefined, limits: Limits): ActivityOptions {
  const { pace, attempts, waits } = step ?? {};
  const slow = pace === 'fetch';
  const { retry, ...rest } = base(limits);
  return {
    ...rest,
    retry: { ...retry, maximumAttempts: attempts ?? retry.maximumAttempts },
    startToCloseTimeout: startToClose(step, limits),
    heartbeatTimeout: slow ? limits.slowHeartbeatMs : limits.heartbeatMs,
    ...(waits && waiting(limits)),
  };
}

/** One that only waits reads, and holds nothing: it need not be heard of often, and nobody waits for its end when it is cancelled. */
function waiting({ waitHeartbeatMs }: Limits): ActivityOptions {
  if (waitHeartbeatMs === undefined) return {};
  return { heartbeatTimeout: waitHeartbeatMs, cancellationType: 'TRY_CANCEL' };
}

/** How an undo runs: for ever. */
export function undoPolicy(limits: Limits): ActivityOptions {
  const { retry, ...rest } = base(limits);
  return { ...rest, startToCloseTimeout: limits.undoMs, retry: { ...retry, maximumAttempts: Infinity } };
}

/** How a scheduled run asks: nobody waits, so through an outage of some minutes; after that the next run is another chance. */
export function scheduledPolicy(limits: Limits, startToCloseMs: number): ActivityOptions {
  const { retry, ...rest } = base(limits);
  return {
    ...rest,
    startToCloseTimeout: startToCloseMs,
    retry: { ...retry, maximumInterval: '1 minute', maximumAttempts: 20 },
  };
}

/** A page is sent until somebody acknowledges it, ever more slowly. */
export function pagePolicy(limits: Limits): ActivityOptions {
  return {
    startToCloseTimeout: limits.actMs,
    heartbeatTimeout: limits.heartbeatMs,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: limits.retryMs, backoffCoefficient: 2, maximumInterval: '10 minutes' },
  };
}

/** How a run over the fleet asks and waits: for as long as it takes, through any outage. */
export function fleetPolicy(limits: Limits, limitMs: number): ActivityOptions {
  const { retry, ...rest } = base(limits);
  return { ...rest, startToCloseTimeout: limitMs + limits.waitMs, retry: { ...retry, maximumAttempts: Infinity } };
}

/** How a run over the fleet looks: for as long as it takes, but an abort waits for nobody. */
export function fleetLookPolicy(limits: Limits, limitMs: number): ActivityOptions {
  return { ...fleetPolicy(limits, limitMs), cancellationType: 'TRY_CANCEL' };
}

function base(limits: Limits) {
  return {
    heartbeatTimeout: limits.heartbeatMs,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: {
      initialInterval: limits.retryMs,
      backoffCoefficient: 2,
      maximumInterval: limits.retryMaxMs,
      maximumAttempts: limits.attempts,
      nonRetryableErrorTypes: [...finalKinds],
    },
  } satisfies ActivityOptions;
}
