import { asyncLocalStorage, type Context } from '@temporalio/activity';

type Clock = { readonly overAt: number; readonly startedAt: number; readonly signal: AbortSignal };

const clocks = new WeakMap<Context, Clock>();

/**
 * Starts the clock of an activity that begins here. It is this process's own clock: after a freeze, or cut off from the
 * server, no effect of ours may land once start-to-close is over and the undo was settled.
 */
export function startClock(context: Context): void {
  const { startToCloseTimeoutMs } = context.info;
  const signal = AbortSignal.any([context.cancellationSignal, AbortSignal.timeout(startToCloseTimeoutMs)]);
  clocks.set(context, { overAt: Date.now() + startToCloseTimeoutMs, startedAt: performance.now(), signal });
}

/** When the attempt of an activity began here, by the clock of `performance.now()`. */
export function startOf(context: Context): number {
  return clocks.get(context)?.startedAt ?? performance.now();
}

/**
 * The abort signal, for adapters, of the activity that is calling: cancelled, or out of time. Undefined outside of one.
 */
export function currentSignal(): AbortSignal | undefined {
  const context = asyncLocalStorage.getStore();
  const clock = context && clocks.get(context);
  if (!context || !clock) return context?.cancellationSignal;
  return Date.now() < clock.overAt
    ? clock.signal
    : AbortSignal.abort(new Error(`${context.info.activityType} is out of time`));
}
