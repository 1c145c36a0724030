import {
  forgetAfterMs,
  keepStateMs,
  queueLength,
  readinessMs,
  rotationMs,
  startOvers,
  undoPageMs,
} from '../domain/thresholds.js';

/**
 * How long things may take. They travel in the operation's input, so that a run keeps the limits it began with and
 * tests can shorten them. An activity is limited by start-to-close × attempts only: no clock runs while nobody works.
 */
export type Limits = {
  /** Start-to-close of a step that creates, at most 30 s: what bounds how late its effect can land. */
  readonly actMs: number;
  /** Start-to-close of a step that waits for the gateway. */
  readonly waitMs: number;
  /** Start-to-close of fetching a release. */
  readonly fetchMs: number;
  /** Start-to-close of an undo, which may wait for a graceful stop; it is tried for ever. */
  readonly undoMs: number;
  /** Attempts of a step whose world hiccups. */
  readonly attempts: number;
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** A worker that has given no sign of life for this long counts as dead. */
  readonly heartbeatMs: number;
  /** The same for steps whose recovery is not urgent; they beat every 30 s, a third of it. */
  readonly slowHeartbeatMs: number;
  /**
   * The same for steps that wait for a person or a device, of which there may be a thousand; absent in what older
   * versions began.
   */
  readonly waitHeartbeatMs?: number;
  /** Beyond start-to-close, the time until a lost attempt can no longer take effect. */
  readonly settleMs: number;
  readonly startOvers: number;
  /** From the beginning of a rotation until it is undone; absent in what older versions began. */
  readonly rotationMs?: number;
  /**
   * Into how many slices a deadline is cut, so that a slice in which nobody worked does not count. When absent, one, as
   * in what older versions began.
   */
  readonly deadlineSlices?: number;
  /** The least time that may be asked for a new container; S3-20's when absent. */
  readonly readyFloorMs?: number;
  readonly undoPageMs: number;
  readonly forgetAfterMs: number;
  readonly queueLength: number;
  /** How many messages one run of an entity takes; when absent, as many as a server takes. */
  readonly words?: number;
  /** How long a reader of a log may be silent until it counts as gone; the usual time when absent. */
  readonly logGoneMs?: number;
  /** Gateways that a run over the fleet looks at in one go; the usual number when absent. */
  readonly fleetPage?: number;
  /** Events after which the entity continues as new, when the server does not suggest it earlier. */
  readonly entityEvents: number;
};

export const defaultLimits: Limits = {
  actMs: 30_000,
  waitMs: readinessMs + 15_000,
  fetchMs: 30 * 60_000,
  undoMs: 90_000,
  attempts: 300,
  retryMs: 300,
  retryMaxMs: 5_000,
  heartbeatMs: 3_000,
  slowHeartbeatMs: 90_000,
  waitHeartbeatMs: 60_000,
  settleMs: 10_000,
  startOvers,
  rotationMs,
  undoPageMs,
  forgetAfterMs: Math.max(forgetAfterMs, keepStateMs),
  queueLength,
  entityEvents: 4_000,
};
