/**
 * What creel measures, under the names and labels by which Prometheus reads it: formats, because dashboards and alerts
 * outside of creel name them. What Temporal's SDK measures of a worker is beside it, as `temporal_…`.
 */
export const metricNames = {
  /** Operations that have ended, by `kind` and `outcome`; `lost` is one whose run was ended from outside. */
  operations: 'creel_operations_total',
  /** Seconds from the beginning of an operation to its end, waits for a person among them, by `kind` and `outcome`. */
  operationSeconds: 'creel_operation_seconds',
  /** Seconds that a step took with all its attempts, by `step`, `doing` (`do` or `undo`) and `outcome` (`done` or the kind of its failure). */
  stepSeconds: 'creel_step_seconds',
  /** Calls of the pager by `outcome`: `sent`, or `failed`, after which it is called again. */
  pages: 'creel_pages_total',
  /** Gateways of the deployment by `phase`. */
  gateways: 'creel_gateways',
  /** Gateways of the deployment that need a person, parked or not. */
  attention: 'creel_gateways_attention',
  /** Operations of the deployment that are under way. */
  open: 'creel_operations_open',
  /** Operations of the deployment that wait for a person's answer. */
  parks: 'creel_parks_open',
  /** Pages of the deployment that no pager has taken yet. */
  pagesOpen: 'creel_pages_open',
  /** When the deployment was last counted (s since 1970), so that an old count is told from a true one. */
  counted: 'creel_counted_timestamp_seconds',
} as const;

/** Bounds in seconds of what an operation takes: from one that only asks to the longest wait for a person (14 days). */
export const operationBounds: readonly number[] = [
  1, 2, 5, 10, 20, 45, 90, 180, 300, 600, 1_800, 3_600, 14_400, 86_400, 1_209_600,
];

/** Bounds in seconds of what a step takes; 45 is the floor of a start (S3-20). */
export const stepBounds: readonly number[] = [0.25, 1, 2, 5, 10, 20, 45, 90, 180, 600, 3_600];
