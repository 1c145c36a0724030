import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
} from '@temporalio/client';
import { createHash } from 'node:crypto';
import { durationText } from '../../domain/amounts.js';
import { canonical } from '../../domain/gateway/spec.js';
import { fleetBeginMs, fleetMaxFailed, fleetWindowUsual } from '../../domain/thresholds.js';
import { scheduleName, type Schedule, type ScheduleName } from '../../domain/schedules/schedule.js';
import { scheduledWorkflowId, scheduleId, taskQueue } from '../../wire/ids.js';
import { defaultLimits } from '../../wire/limits.js';
import type { ScheduledInput, ScheduledRotation } from '../../wire/scheduled.js';
import type { ReconcileInput } from '../../wire/reconcile.js';
import type { SweepInput } from '../../wire/sweep.js';
import { readHeld } from './deployment.js';
import { isNotFound, TurnedDown, unwrap } from '../failure.js';

/** What `apply` did of each schedule. */
export type Applied = {
  readonly name: string;
  readonly what: 'created' | 'changed' | 'as it was' | 'removed';
};

/** How a run of a schedule stands or ended. */
type Run = { readonly at: string; readonly workflowId: string; readonly how: string };

/** A schedule as the server has it. */
export type ListedSchedule = {
  readonly name: string;
  readonly does: string;
  /** As it was declared, in words. */
  readonly when: string;
  readonly paused: boolean;
  /** Whether a run that failed paused it, and not a person. */
  readonly failed: boolean;
  /** Why it is paused, where somebody or a failure said so. */
  readonly note: string | undefined;
  readonly last: Run | undefined;
  readonly next: string | undefined;
  /** Runs that began no more because an earlier one had not ended, and those that were too late. */
  readonly missed: number;
};

/** What every schedule of ours says in its memo. */
type ScheduleMemo = { readonly creel: string; readonly schedule: string };

/** What every run of ours says in its memo, so that whoever looks at the schedule knows what was declared. */
type RunMemo = { readonly does: string; readonly when: string; readonly declared: string };

/**
 * Makes the schedules of the namespace what the list says: creates those that are missing, changes those that differ,
 * and removes those of ours that the list has no longer. Twice is once, and whether one is paused stays as it is. A
 * schedule of such a name that is not ours is `TurnedDown`, before anything is changed.
 */
export async function applySchedules(client: Client, wanted: readonly Schedule[]): Promise<Applied[]> {
  try {
    const { deployment } = await readHeld(client);
    const there = new Map<string, ScheduleDescription | undefined>();
    for (const { name } of wanted) there.set(name, await demandOurs(client, name, deployment));
    const applied: Applied[] = [];
    for (const each of wanted)
      applied.push({ name: each.name, what: await applyOne(client, each, deployment, there.get(each.name)) });
    for (const name of await ourNames(client, deployment)) {
      if (wanted.some((each) => each.name === name)) continue;
      await client.schedule.getHandle(scheduleId(name)).delete();
      applied.push({ name, what: 'removed' });
    }
    return applied;
  } catch (error) {
    throw unwrap(error);
  }
}

/** Every schedule of this deployment, with its last run and its next one. Needs no worker. */
export async function listSchedules(client: Client): Promise<ListedSchedule[]> {
  try {
    const { deployment } = await readHeld(client);
    const names = (await ourNames(client, deployment)).toSorted();
    const found = await Promise.all(names.map((name) => listed(client, name)));
    return found.filter((each) => each !== undefined);
  } catch (error) {
    throw unwrap(error);
  }
}

/** Lets a schedule begin nothing until it is resumed; what runs goes on. */
export async function pauseSchedule(client: Client, name: string, note: string): Promise<void> {
  await onOurs(client, name, (handle) => handle.pause(note));
}

/** Lets a schedule begin runs again. */
export async function resumeSchedule(client: Client, name: string, note: string): Promise<void> {
  await onOurs(client, name, (handle) => handle.unpause(note));
}

async function onOurs(
  client: Client,
  raw: string,
  act: (handle: ReturnType<Client['schedule']['getHandle']>) => Promise<void>,
): Promise<void> {
  const name = scheduleName(raw);
  try {
    const { deployment } = await readHeld(client);
    if (!(await demandOurs(client, name, deployment)))
      throw new TurnedDown(`there is no schedule ${name} yet. \`creel schedules apply\` makes it`, 'Refused');
    await act(client.schedule.getHandle(scheduleId(name)));
  } catch (error) {
    throw unwrap(error);
  }
}

/** The schedule of this name, if it is there; `TurnedDown` when it is not ours. */
async function demandOurs(
  client: Client,
  name: ScheduleName,
  deployment: string,
): Promise<ScheduleDescription | undefined> {
  const found = await describeSchedule(client, name);
  if (!found || memoOf(found)?.creel === deployment) return found;
  throw new TurnedDown(
    `schedule ${scheduleId(name)} exists without our mark: somebody else made it. Rename or delete it in the Temporal UI; creel does not touch it`,
    'Foreign',
  );
}

async function describeSchedule(client: Client, name: string): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(scheduleId(name)).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

async function applyOne(
  client: Client,
  wanted: Schedule,
  deployment: string,
  there: ScheduleDescription | undefined,
): Promise<Applied['what']> {
  const options = optionsOf(wanted);
  if (!there) {
    const memo: ScheduleMemo = { creel: deployment, schedule: wanted.name };
    const state = wanted.createdPaused ? { paused: true, note: 'created paused' } : { paused: false };
    try {
      await client.schedule.create({ scheduleId: scheduleId(wanted.name), ...options, memo, state });
      return 'created';
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error; // Somebody applied at the same time.
    }
  }
  const isSame = there && runMemoOf(there)?.declared === options.action.memo.declared;
  // What somebody changed by hand in the UI is put back as well; only whether it is paused is theirs.
  await client.schedule.getHandle(scheduleId(wanted.name)).update(({ state }) => ({ ...options, state }));
  return isSame ? 'as it was' : 'changed';
}

function optionsOf(wanted: Schedule) {
  const { name, does, workflow, when, jitterMs, catchUpMs, pausesOnFailure } = wanted;
  const args = [inputOf(name)];
  const declared = createHash('sha256')
    .update(canonical({ ...wanted, args }))
    .digest('hex')
    .slice(0, 16);
  const memo: RunMemo = { does, when: whenText(when), declared };
  return {
    spec: {
      ...('cron' in when ? { cronExpressions: [when.cron] } : { intervals: [{ every: when.everyMs }] }),
      jitter: jitterMs,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchUpMs, pauseOnFailure: pausesOnFailure },
    action: {
      type: 'startWorkflow',
      workflowType: workflow,
      workflowId: scheduledWorkflowId(name),
      taskQueue,
      args,
      memo,
      staticSummary: does,
    },
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
}

function inputOf(name: ScheduleName): ScheduledInput | ScheduledRotation | SweepInput | ReconcileInput {
  if (name === 'sweep' || name === 'reconcile') return { dryRun: false };
  const input = { layout: 1, limits: defaultLimits } as const;
  if (name !== 'rotation') return input;
  const plan = { window: fleetWindowUsual, maxFailed: fleetMaxFailed, beginWithinMs: fleetBeginMs };
  return { ...input, plan };
}

/** When runs begin, in words. */
function whenText(when: Schedule['when']): string {
  return 'cron' in when ? `cron ${when.cron} UTC` : `every ${durationText(when.everyMs)}`;
}

/** The names of the schedules that carry the mark of this deployment. */
async function ourNames(client: Client, deployment: string): Promise<string[]> {
  const names: string[] = [];
  for await (const each of client.schedule.list()) {
    const memo = memoOf(each);
    if (memo?.creel === deployment && each.scheduleId === scheduleId(memo.schedule)) names.push(memo.schedule);
  }
  return names;
}

function memoOf({ memo }: { readonly memo?: Record<string, unknown> | undefined }): ScheduleMemo | undefined {
  const { creel, schedule } = memo ?? {};
  return typeof creel === 'string' && typeof schedule === 'string' ? { creel, schedule } : undefined;
}

function runMemoOf({ action }: ScheduleDescription): RunMemo | undefined {
  const { does, when, declared } = action.memo ?? {};
  if (typeof does !== 'string' || typeof when !== 'string' || typeof declared !== 'string') return undefined;
  return { does, when, declared };
}

async function listed(client: Client, name: string): Promise<ListedSchedule | undefined> {
  const found = await describeSchedule(client, name);
  if (!found) return undefined;
  const { info, state } = found;
  const { does = '', when = '' } = runMemoOf(found) ?? {};
  return {
    name,
    does,
    when,
    paused: state.paused,
    failed: state.paused && pausedByFailure.test(state.note ?? ''),
    note: state.paused ? state.note : undefined,
    last: await lastRun(client, found),
    next: state.paused ? undefined : info.nextActionTimes[0]?.toISOString(),
    missed: info.numActionsSkippedOverlap + info.numActionsMissedCatchupWindow,
  };
}

/** What a server writes beside a schedule that it pauses, because `pauseOnFailure` is set. */
const pausedByFailure = /^paused due to workflow/;

/** The newest run, and how it stands: the schedule itself says only that it began. */
async function lastRun(client: Client, { info }: ScheduleDescription): Promise<Run | undefined> {
  const newest = info.recentActions.at(-1);
  if (!newest) return undefined;
  const { workflowId, firstExecutionRunId } = newest.action.workflow;
  const at = newest.takenAt.toISOString();
  try {
    const { status } = await client.workflow.getHandle(workflowId, firstExecutionRunId).describe();
    return { at, workflowId, how: status.name.toLowerCase().replaceAll('_', ' ') };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { at, workflowId, how: 'no longer on record' };
  }
}
