import type { LogLevel, Logger as TemporalLogger } from '@temporalio/worker';
import { pino, type DestinationStream, type Logger } from 'pino';

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** What the SDK says of every activity; our interceptor says the same in one line with the gateway's name. */
const repeated = new Set([
  'Activity started',
  'Activity completed',
  'Activity failed',
  'Activity completed as cancelled',
]);

/** Fields that only the SDK can use. */
const noise = new Set(['taskToken', 'isLocal', 'timestampNanos', 'timestamp']);

/** The worker's log: a JSON line each. Secrets print as `[secret]` by their type; errors keep their causes' messages. */
export function openLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorLine, error: errorLine },
  };
  return destination ? pino(options, destination) : pino(options);
}

/**
 * The same log for Temporal's SDK and its native core. Only plain fields and errors pass: an SDK-internal error would otherwise
 * print a whole task with its payloads.
 */
export function temporalLogger(log: Logger): TemporalLogger {
  const write = (level: LogLevel, message: string, meta: Record<string | symbol, unknown> = {}): void => {
    if (meta['sdkComponent'] === 'worker' && repeated.has(message)) return;
    log[levels[level]](plain(meta), message);
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

/** An error as a log line shows it: no field but these, because an SDK's error carries encoded payloads. */
function errorLine(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    kind: 'type' in error && typeof error.type === 'string' ? error.type : error.name,
    message: error.message,
    ...(error.stack && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: errorLine(error.cause) }),
  };
}
