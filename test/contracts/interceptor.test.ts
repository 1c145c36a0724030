import { setTimeout as after } from 'node:timers/promises';
import {
  ApplicationFailure,
  ApplicationFailureCategory,
  CancelledFailure,
  defaultFailureConverter,
  defaultPayloadConverter,
} from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { say } from '../../src/world/sentence.js';
import { Away, Bug, Foreign, NotYet, Refused, StartOver } from '../../src/domain/errors.js';
import { Secret } from '../../src/domain/secret.js';
import { awayMs, awayPaceMs } from '../../src/domain/thresholds.js';
import { awayDelayMs } from '../../src/worker/away-pace.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { attemptInterceptor } from '../../src/worker/attempt-interceptor.js';
import type { Attempted } from '../../src/wire/operation.js';
import { currentSignal } from '../../src/worker/current-signal.js';

type Info = { attempt?: number; heartbeatTimeoutMs?: number; heartbeatDetails?: unknown };

function environment(info: Info = {}, level = 'debug') {
  const lines: string[] = [];
  const log = pino({ level }, { write: (line: string) => void lines.push(line) });
  const env = new MockActivityEnvironment(info, {
    interceptors: [attemptInterceptor(log)],
    logger: new DefaultLogger('ERROR'),
  });
  const beats: unknown[] = [];
  env.on('heartbeat', (details) => beats.push(details));
  return { env, lines, beats };
}

async function failureOf(error: unknown, attempt = 1): Promise<ApplicationFailure> {
  const { env } = environment({ attempt });
  const thrown: unknown = await env.run(() => Promise.reject(error)).catch((each: unknown) => each);
  if (!(thrown instanceof ApplicationFailure)) throw new Error(`not an ApplicationFailure: ${String(thrown)}`);
  return thrown;
}

test('an answer says which attempt gave it', async () => {
  const { env } = environment({ attempt: 3 });
  expect(await env.run(() => Promise.resolve('done'))).toEqual({ attempt: 3, value: 'done' });
});

test('an end is told as a first attempt’s where every earlier one is over, and as its own after a lost one', async () => {
  const endOf = async (attempt: number, heartbeatDetails: unknown) => {
    const { env, beats } = environment({ attempt, heartbeatDetails });
    const thrown: unknown = await env.run(() => Promise.reject(new NotYet('no'))).catch((each: unknown) => each);
    const answered = await environment({ attempt, heartbeatDetails }).env.run(() => Promise.resolve('done'));
    const { details } = thrown as ApplicationFailure;
    expect(details).toEqual([{ attempt: (answered as Attempted<string>).attempt }]);
    return { told: details?.[0], last: beats.at(-1) };
  };
  expect(await endOf(1, undefined)).toEqual({ told: { attempt: 1 }, last: { sentence: '', ended: 1 } });
  expect(await endOf(3, { sentence: '', ended: 2 })).toEqual({
    told: { attempt: 1 },
    last: { sentence: '', ended: 3 },
  });
  for (const lost of [undefined, { sentence: 'beats' }, { sentence: '', ended: 1 }])
    expect(await endOf(3, lost)).toEqual({ told: { attempt: 3 }, last: undefined });
});

test.each([new Error('timed out'), new Away('engine away'), new Refused('no'), new CancelledFailure('cancelled')])(
  'an attempt that ends as %o is not told to be over: a request of it may be on its way, or nobody comes after it',
  async (error) => {
    const { env, beats } = environment();
    await expect(env.run(() => Promise.reject(error))).rejects.toThrow();
    expect(beats).toEqual([]);
  },
);

test('heartbeats go on for the whole life of a call, carry the current sentence, and end with it', async () => {
  const { env, beats } = environment({ heartbeatTimeoutMs: 60 });
  await env.run(async () => {
    say('/startupz 503, 12 s');
    await after(150);
    say('/startupz 200');
    await after(100);
  });
  expect(beats.length).toBeGreaterThanOrEqual(5);
  expect(beats[0]).toEqual({ sentence: '/startupz 503, 12 s' });
  expect(beats.at(-1)).toEqual({ sentence: '/startupz 200' });
  const seen = beats.length;
  await after(100);
  expect(beats.length).toBe(seen);
});

test('two calls at once do not read each other', async () => {
  const one = environment({ heartbeatTimeoutMs: 60 });
  const two = environment({ heartbeatTimeoutMs: 60 });
  const call = async (sentence: string) => {
    say(sentence);
    await after(100);
  };
  await Promise.all([one.env.run(call, 'one'), two.env.run(call, 'two')]);
  expect(one.beats).not.toHaveLength(0);
  expect(new Set(one.beats.map((beat) => JSON.stringify(beat)))).toEqual(new Set(['{"sentence":"one"}']));
  expect(new Set(two.beats.map((beat) => JSON.stringify(beat)))).toEqual(new Set(['{"sentence":"two"}']));
});

test.each([Refused, Foreign, Bug, StartOver])(
  '%o is never retried and keeps its kind, message and attempt',
  async (Kind) => {
    const failure = await failureOf(new Kind('what, where, what now'), 2);
    expect(failure).toMatchObject({ type: Kind.name, nonRetryable: true, details: [{ attempt: 2 }] });
    expect(failure.message).toBe('what, where, what now');
  },
);

test('NotYet is asked again at a fixed pace and is no failure in the metrics', async () => {
  expect(await failureOf(new NotYet('still starting'))).toMatchObject({
    type: 'NotYet',
    nonRetryable: false,
    nextRetryDelay: 1_000,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ attempt: 1 }],
  });
});

test('what is away is asked again ever more slowly, for hours, and is a NotYet like any other', async () => {
  expect(await failureOf(new Away('no Docker engine answers'))).toMatchObject({
    type: 'NotYet',
    nonRetryable: false,
    nextRetryDelay: 1_000,
    category: ApplicationFailureCategory.BENIGN,
  });
  const delays = Array.from({ length: defaultLimits.attempts - 1 }, (_, index) => awayDelayMs(index + 1));
  const total = (all: number[]) => all.reduce((sum, each) => sum + each, 0);
  expect(total(delays)).toBeGreaterThan(awayMs);
  expect(Math.max(...delays)).toBe(awayPaceMs);
  for (const [index, delay] of delays.entries()) {
    expect(delay).toBeLessThanOrEqual(Math.max(1_000, 0.11 * total(delays.slice(0, index)) + 1_000));
  }
});

test('a hiccup is retried by the policy, keeps its cause, and is bounded', async () => {
  const failure = await failureOf(new TypeError('x'.repeat(10_000), { cause: new Error('ECONNRESET') }));
  expect(failure).toMatchObject({ type: 'Error', nonRetryable: false, details: [{ attempt: 1 }] });
  expect(failure.nextRetryDelay).toBeUndefined();
  expect(failure.cause?.message).toBe('ECONNRESET');
  const proto = defaultFailureConverter.errorToFailure(failure, defaultPayloadConverter);
  expect(JSON.stringify(proto).length).toBeLessThan(8_000);
});

test('something thrown that is no Error is a hiccup too', async () => {
  expect(await failureOf('odd')).toMatchObject({ type: 'Error', message: 'odd', nonRetryable: false });
});

test('cancellation reaches the adapters by signal and passes through untouched', async () => {
  const { env, lines } = environment();
  const call = env.run(
    () =>
      new Promise((_resolve, reject) => {
        const signal = currentSignal();
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  );
  env.cancel('CANCELLED');
  await expect(call).rejects.toBeInstanceOf(CancelledFailure);
  expect(lines.some((line) => line.includes('activity was cancelled'))).toBe(true);
  expect(currentSignal()).toBeUndefined();
});

test('one line at the start, one at the end, and no argument or answer in either', async () => {
  const { env, lines } = environment();
  await env.run((_secret: unknown) => Promise.resolve('the answer'), {
    token: new Secret('s3cret'),
    plain: 'the argument',
  });
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ msg: 'activity is done', attempt: 1, activity: 'unknown' });
  expect(lines.join('')).not.toMatch(/s3cret|the argument|the answer/);
});

test.each([
  [new NotYet('still starting'), [0, 0, 0]],
  [new Refused('no such release'), [1, 1, 1]],
  [new Error('ECONNRESET'), [1, 0, 1]],
] as const)(
  'at info only a problem is a line, and one that goes on is not one for each attempt: %o',
  async (error, lines) => {
    const told = [1, 2, 10].map(async (attempt) => {
      const { env, lines: said } = environment({ attempt }, 'info');
      await env.run(() => Promise.reject(error)).catch(() => undefined);
      return said.length;
    });
    expect(await Promise.all(told)).toEqual(lines);
  },
);

test('at info an activity that does what it should is no line', async () => {
  const { env, lines } = environment({}, 'info');
  await env.run(() => Promise.resolve('done'));
  expect(lines).toEqual([]);
});
