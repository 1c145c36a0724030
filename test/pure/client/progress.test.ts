import fs from 'node:fs';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import { progress, type Seen } from '../../../src/client/follow/progress.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';

type Event = Seen['events'][number];

const { HistoryEvent } = proto.temporal.api.history.v1;
const { PendingActivityInfo, PendingWorkflowTaskInfo } = proto.temporal.api.workflow.v1;

const parkedProvision = 'gateway/g50/8mvduk/1-provision';
const removal = 'gateway/g50/8mvduk/2-remove';

/** Histories of a real server: a provision that parked twice on its channels and was told `retry`, then `skip`; its removal. */
function recorded(name: string): Event[] {
  const file = new URL(`histories/${name}.json`, import.meta.url);
  return historyFromJSON(JSON.parse(fs.readFileSync(file, 'utf8'))).events ?? [];
}

function seen(workflowId: string, events: readonly Event[], rest: Partial<Seen> = {}): Seen {
  return { workflowId, events, pendingActivities: [], pendingTask: undefined, ...rest };
}

function states(frame: ReturnType<typeof progress>): Record<string, string> {
  return Object.fromEntries(frame.steps.map((step) => [step.name, step.state]));
}

/** Every event up to the first that fits, and it. */
function upTo(events: readonly Event[], fits: (event: Event) => boolean): Event[] {
  const index = events.findIndex(fits);
  if (index < 0) throw new Error('no such event');
  return events.slice(0, index + 1);
}

const json = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });

const at = (second: number) => ({ seconds: 1_800_000_000 + second, nanos: 0 });

/** A provision that has begun and scheduled its third step. */
const third = (() => {
  const events = recorded('parked-provision');
  const scheduled = events.filter((event) => event.activityTaskScheduledEventAttributes);
  return upTo(events, (event) => event === scheduled[2]);
})();

const pendingThird = (rest: object): Seen['pendingActivities'] => [
  PendingActivityInfo.fromObject({
    activityId: third.at(-1)?.activityTaskScheduledEventAttributes?.activityId,
    attempt: 1,
    state: 2,
    ...rest,
  }),
];

const event = (eventId: number, second: number, attributes: object): Event =>
  HistoryEvent.fromObject({ eventId, eventTime: at(second), ...attributes });

describe('progress of a provision, from its history alone', () => {
  const events = recorded('parked-provision');

  it('shows the whole list before anything has run', () => {
    const frame = progress(seen(parkedProvision, events.slice(0, 1)));
    expect(frame).toMatchObject({ gateway: 'g50', birth: '8mvduk', operation: 1, kind: 'provision', phase: 'forward' });
    expect(frame.steps.map((step) => step.name)).toEqual([...provisionSteps]);
    expect(new Set(Object.values(states(frame)))).toEqual(new Set(['waiting']));
  });

  it('shows which step runs, since when, and which are done', () => {
    const frame = progress(seen(parkedProvision, third));
    expect(states(frame)).toMatchObject({
      'check host': 'done',
      'fetch release': 'done',
      'keep state': 'running',
      'join network': 'waiting',
    });
    expect(frame.steps[2]?.startedAt).toMatch(/^2026-11-21T/);
    expect(frame.steps[2]?.endedAt).toBeUndefined();
  });

  it('shows the park with its number, its reason and the commands that answer it', () => {
    const parked = upTo(
      events,
      (event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes?.signalName === 'parked',
    );
    const frame = progress(seen(parkedProvision, parked));
    expect(frame.phase).toBe('parked');
    expect(frame.park).toMatchObject({ number: '1.1', step: 'probe channels', answers: ['retry', 'skip', 'abort'] });
    expect(frame.commands).toEqual([
      'creel retry g50 --park 1.1',
      'creel skip g50 --park 1.1',
      'creel abort g50 --park 1.1',
    ]);
    expect(frame.steps.find((step) => step.name === 'probe channels')).toMatchObject({
      state: 'failed',
      sentence: 'probeChannels was made to fail',
    });
  });

  it('goes on as soon as an operator has answered, and no sooner', () => {
    const isReply = (event: Event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'reply';
    const answered = upTo(events, isReply);
    expect(progress(seen(parkedProvision, answered.slice(0, -1))).phase).toBe('parked');
    expect(progress(seen(parkedProvision, answered)).phase).toBe('forward');
  });

  it('stays parked when the word was for another park', () => {
    const isReply = (event: Event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'reply';
    const answered = upTo(events, isReply);
    const stray = event(900, 0, {
      workflowExecutionSignaledEventAttributes: { signalName: 'reply', input: json({ park: '1.7', answer: 'skip' }) },
    });
    const frame = progress(seen(parkedProvision, [...answered.slice(0, -1), stray]));
    expect(frame.phase).toBe('parked');
    expect(states(frame)).toMatchObject({ 'probe channels': 'failed' });
  });

  it('ends degraded with the skipped step, the record and what to type next', () => {
    const frame = progress(seen(parkedProvision, events));
    expect(frame).toMatchObject({ phase: 'ended', outcome: 'degraded', reason: 'probe channels was skipped' });
    expect(states(frame)).toMatchObject({ 'probe channels': 'skipped', 'read back': 'done' });
    expect(frame.record).toMatchObject({ version: '2026.9.6', volume: 'oc-g50-8mvduk-state' });
    expect(frame.park).toBeUndefined();
    expect(frame.commands).toContain('creel provision g50');
  });

  it('is the same for every prefix however often it is asked, and never goes back from done to waiting', () => {
    const done = new Set<string>();
    for (let length = 1; length <= events.length; length += 1) {
      const frame = progress(seen(parkedProvision, events.slice(0, length)));
      expect(progress(seen(parkedProvision, events.slice(0, length)))).toEqual(frame);
      for (const step of frame.steps) {
        if (done.has(step.name)) expect(step.state).toBe('done');
        if (step.state === 'done') done.add(step.name);
      }
    }
    expect(done.size).toBe(provisionSteps.length - 1);
  });
});

describe('progress of a removal', () => {
  const events = recorded('removal');

  it('shows newest first what it undoes, and nothing of steps that leave nothing behind', () => {
    const frame = progress(seen(removal, events.slice(0, 1)));
    expect(frame.phase).toBe('undoing');
    expect(frame.steps.map((step) => step.name)).toEqual([
      'start container',
      'write config',
      'join network',
      'keep state',
    ]);
  });

  it('ends with each of them undone', () => {
    const frame = progress(seen(removal, events));
    expect(frame).toMatchObject({ phase: 'ended', outcome: 'done', reason: '', commands: [] });
    expect(new Set(Object.values(states(frame)))).toEqual(new Set(['undone']));
  });
});

describe('what a step waits for, from its pending activity', () => {
  it('says whether its last attempt only found that something is not there yet', () => {
    const ended = (type: string) =>
      progress(
        seen(parkedProvision, third, {
          pendingActivities: pendingThird({
            attempt: 2,
            lastFailure: { message: 'no role node yet', applicationFailureInfo: { type } },
          }),
        }),
      ).steps[2];
    expect(ended('NotYet')).toMatchObject({ attempt: 2, waits: true, sentence: 'no role node yet' });
    expect(ended('Error')).not.toHaveProperty('waits');
  });

  it('is the sentence of its heartbeat', () => {
    const pendingActivities = pendingThird({ heartbeatDetails: json({ sentence: '/startupz 503, 12 s of 330 s' }) });
    expect(progress(seen(parkedProvision, third, { pendingActivities })).steps[2]).toMatchObject({
      state: 'running',
      sentence: '/startupz 503, 12 s of 330 s',
    });
  });

  it('is the last failure while a retry backs off, with its attempt', () => {
    const pendingActivities = pendingThird({
      state: 1,
      attempt: 4,
      scheduledTime: at(10),
      heartbeatDetails: json({ sentence: 'before it failed' }),
      lastFailure: { message: 'engine does not answer' },
    });
    const frame = progress(seen(parkedProvision, third, { pendingActivities }));
    expect(frame.steps[2]).toMatchObject({ attempt: 4, sentence: 'engine does not answer' });
  });

  it.each([[{ nonsense: 1 }], ['text'], [undefined]])('is nothing when the heartbeat carries %j', (details) => {
    const pendingActivities = pendingThird({ heartbeatDetails: json(details) });
    expect(progress(seen(parkedProvision, third, { pendingActivities })).steps[2]?.sentence).toBe('');
  });

  it('is a worker, when nobody has taken an activity or a decision', () => {
    const pendingActivities = pendingThird({ state: 1, scheduledTime: at(10) });
    const since = new Date(1_800_000_010_000).toISOString();
    expect(progress(seen(parkedProvision, third, { pendingActivities })).unattendedSince).toBe(since);
    const pendingTask = PendingWorkflowTaskInfo.fromObject({ state: 1, scheduledTime: at(10) });
    expect(progress(seen(parkedProvision, third, { pendingTask })).unattendedSince).toBe(since);
    const taken = PendingWorkflowTaskInfo.fromObject({ state: 2, scheduledTime: at(10), startedTime: at(11) });
    expect(progress(seen(parkedProvision, third, { pendingTask: taken })).unattendedSince).toBeUndefined();
  });

  it('is a lost attempt, while the settle timer runs', () => {
    const summary = defaultPayloadConverter.toPayload('settle: a lost attempt may still take effect');
    const started = event(900, 0, { userMetadata: { summary }, timerStartedEventAttributes: { timerId: 't' } });
    const fired = event(901, 5, { timerFiredEventAttributes: { startedEventId: 900, timerId: 't' } });
    expect(progress(seen(parkedProvision, [...third, started])).waitingFor).toContain('lost attempt');
    expect(progress(seen(parkedProvision, [...third, started, fired])).waitingFor).toBe('');
  });
});

describe('ends that nobody planned', () => {
  const last = (attributes: object): Event => event(900, 0, attributes);

  it('a Terminate by hand is a loss, and says so', () => {
    const end = last({ workflowExecutionTerminatedEventAttributes: { reason: 'oops' } });
    expect(progress(seen(parkedProvision, [...third, end]))).toMatchObject({
      phase: 'ended',
      outcome: 'lost',
      reason: 'terminated by hand: oops',
    });
  });

  it('a failure that carries a result ends with its outcome and names what is left', () => {
    const left = [{ step: 'keep state', kind: 'Foreign', reason: 'volume is not ours' }];
    const details = json({ outcome: 'left', reason: 'keep state: full', entered: [], skipped: [], left });
    const failure = { message: 'keep state: full', applicationFailureInfo: { type: 'left', details } };
    const frame = progress(
      seen(parkedProvision, [...third, last({ workflowExecutionFailedEventAttributes: { failure } })]),
    );
    expect(frame).toMatchObject({ outcome: 'left', reason: 'keep state: full', left });
    expect(frame.commands).toContain('creel remove g50');
  });

  it('a failure without a result is a loss with its own message', () => {
    const failure = { message: 'undefined is not a function', applicationFailureInfo: { type: 'TypeError' } };
    const frame = progress(
      seen(parkedProvision, [...third, last({ workflowExecutionFailedEventAttributes: { failure } })]),
    );
    expect(frame).toMatchObject({ outcome: 'lost', reason: 'undefined is not a function' });
  });

  it('an undo that fails shows why, and its phase is undoing', () => {
    const summary = defaultPayloadConverter.toPayload('undo keep state');
    const failure = { message: 'in use' };
    const events = [
      event(900, 0, { userMetadata: { summary }, activityTaskScheduledEventAttributes: { activityId: 'u' } }),
      event(901, 1, { activityTaskFailedEventAttributes: { scheduledEventId: 900, failure } }),
    ];
    const undoing = progress(seen(parkedProvision, [...third, ...events.slice(0, 1)]));
    expect(undoing.phase).toBe('undoing');
    expect(states(undoing)).toMatchObject({ 'keep state': 'undoing' });
    expect(progress(seen(parkedProvision, [...third, ...events])).steps[2]).toMatchObject({
      state: 'failed',
      sentence: 'in use',
    });
  });
});
