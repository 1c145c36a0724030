import type { LogLevel, Logger as TemporalLogger } from '@temporalio/worker';
import { pino, type DestinationStream, type Logger } from 'pino';

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** What the SDK logs for every activity; our interceptor says the same in one line, with the gateway's name. */
const repeated = new Set([
  'Activity started',
  'Activity completed',
  'Activity failed',
  'Activity completed as cancelled',
]);

/** What the SDK logs of a workflow, reworded for an operation. */
const lifecycle: Readonly<Record<string, string>> = {
  'Workflow started': 'operation begins',
  'Workflow completed': 'operation has ended',
  'Workflow completed as cancelled': 'operation was cancelled',
};
const failed = 'Workflow failed';

/** A harmless warning of the SDK: one worker of a process decides, the others only act. */
const meant = 'No workflows registered, not polling for workflow tasks';

/** Failures whose message says what happened, and where: their stacks are only for debugging. */
const plainKinds = new Set(['NotYet', 'Refused', 'Foreign', 'StartOver', 'Error']);

/** Fields of use only to the SDK. */
const noise = new Set(['taskToken', 'isLocal', 'timestampNanos', 'timestamp']);

/**
 * The worker's log, one JSON line each. Secrets print as `[secret]` by their type; errors keep their causes' messages
 * and, below `info`, their stacks.
 */
export function openLog(level: string, destination?: DestinationStream): Logger {
  const serializer = (error: unknown) => errorLine(error, level === 'debug' || level === 'trace');
  const options = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serializer, error: serializer },
  };
  return destination ? pino(options, destination) : pino(options);
}

/**
 * The same log for Temporal's SDK and its native core. Only plain fields and errors pass: an SDK-internal error would
 * otherwise print a whole task with its payloads.
 */
export function temporalLogger(log: Logger): TemporalLogger {
  const write = (level: LogLevel, message: string, meta: Record<string | symbol, unknown> = {}): void => {
    if (meta['sdkComponent'] === 'worker' && repeated.has(message)) return;
    const operation = meta['sdkComponent'] === 'worker' ? operationOf(meta['workflowId']) : undefined;
    const said = lifecycle[message];
    if (operation && said !== undefined) return log.info(operation, said);
    if (operation && message === failed)
      return log.warn({ ...operation, err: meta['error'] }, 'operation has ended without what was asked for');
    log[loudness(level, message, meta['sdkComponent'])](plain(meta), message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

/** How loud a line of the SDK is: what its workers say of their own states is for debugging. */
function loudness(level: LogLevel, message: string, component: unknown) {
  const isDetail = component === 'worker' && (level === 'INFO' || message === meant);
  return isDetail ? 'debug' : levels[level];
}

/** The operation whose run has this id; undefined for any other workflow. */
function operationOf(workflowId: unknown): { gateway: string; workflowId: string } | undefined {
  if (typeof workflowId !== 'string') return undefined;
  const [, gateway] = /^gateway\/([^/]+)\/[^/]+\/\d+-/.exec(workflowId) ?? [];
  return gateway === undefined ? undefined : { gateway, workflowId };
}

function plain(meta: Record<string | symbol, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).filter(
      ([key, value]) =>
        !noise.has(key) &&
        !key.startsWith('task') &&
        (value instanceof Error || ['string', 'number', 'boolean'].includes(typeof value)),
    ),
  );
}

/** An error as a log line shows it: only these fields, because an SDK's error carries encoded payloads. */
function errorLine(error: unknown, withStack: boolean): unknown {
  if (!(error instanceof Error)) return error;
  const kind = 'type' in error && typeof error.type === 'string' ? error.type : error.name;
  return {
    kind,
    message: error.message,
    ...(error.stack && (withStack || !plainKinds.has(kind)) && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: errorLine(error.cause, withStack) }),
  };
}
