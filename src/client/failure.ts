import { WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, NamespaceNotFoundError, TerminatedFailure, TimeoutFailure } from '@temporalio/common';

/** Temporal did not answer, or turned us away: which address, who named it, and how to start one. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Temporal answers, but no worker of creel does. */
export class NoWorker extends Error {
  override readonly name = 'NoWorker';
}

/** Nobody ever asked for a gateway of this id, or so long ago that it has been forgotten. */
export class UnknownGateway extends Error {
  override readonly name = 'UnknownGateway';
}

/** The other side said no, in its own words. `kind` is the kind of failure there: `Refused`, `Foreign`, `Bug`, … */
export class TurnedDown extends Error {
  override readonly name = 'TurnedDown';
  readonly kind: string;

  constructor(message: string, kind: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * The failure without the wrapping of client and server: an `ApplicationFailure` anywhere in the chain of causes speaks
 * for itself, and gRPC's codes become words. Any other error is returned as it is.
 */
export function unwrap(error: unknown): Error {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof ApplicationFailure) return new TurnedDown(each.message, each.type ?? 'Error', { cause: error });
    if (each instanceof TerminatedFailure)
      return new TurnedDown('its run was terminated by hand', 'Terminated', { cause: error });
    if (each instanceof TimeoutFailure)
      return new TurnedDown(`its run timed out (${each.message})`, 'TimedOut', { cause: error });
    if (each instanceof NamespaceNotFoundError) return noNamespace(each.namespace, error);
    const code = grpcCode(each);
    if (code !== undefined) return fromGrpc(code, each, error);
  }
  return error instanceof Error ? error : new Error(String(error));
}

/**
 * Whether a call went unanswered: its deadline passed (gRPC may call that cancelled), or the server knows that nobody
 * polls.
 */
export function isSilence(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    const code = grpcCode(each);
    if (
      code === deadlineExceeded ||
      code === cancelled ||
      (code === failedPrecondition && /poller/i.test(each.message))
    )
      return true;
  }
  return false;
}

/**
 * The words of a server that answers but rejects our credentials (a wrong key, no right to the namespace); undefined
 * for any other error.
 */
export function turnedAwayWith(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const code = grpcCode(each);
    if (code === permissionDenied || code === unauthenticated) return detailsOf(each);
  }
  return undefined;
}

/** Whether the server says that the workflow (not the namespace) does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError;
}

const cancelled = 1;
const deadlineExceeded = 4;
const failedPrecondition = 9;
const permissionDenied = 7;
const unavailable = 14;
const unauthenticated = 16;

function fromGrpc(code: number, at: Error, cause: unknown): Error {
  const said = detailsOf(at);
  if (code === unavailable || code === deadlineExceeded) {
    return new Unreachable(`Temporal stopped answering (${said}). Ask again; nothing is carried out twice`, { cause });
  }
  if (code === permissionDenied || code === unauthenticated) {
    return new Unreachable(
      `Temporal does not let us in (${said}). Check TEMPORAL_API_KEY, the TLS settings and the namespace`,
      { cause },
    );
  }
  if (/search attribute/i.test(said)) {
    return new NoWorker(
      `creel's search attributes are missing in this namespace: start a worker (\`creel worker\`), which registers them; see docs/runbook.md#search-attributes-missing. Temporal says: ${said}`,
      { cause },
    );
  }
  return new Error(`Temporal refused the call: ${said}`, { cause });
}

function noNamespace(namespace: string, cause: unknown): Unreachable {
  return new Unreachable(
    `there is no namespace ${namespace} on this server. Make it (\`creel namespace --namespace ${namespace}\`, with the same --address if you gave one), or name another with --namespace`,
    { cause },
  );
}

function grpcCode(error: Error): number | undefined {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

function detailsOf(error: Error): string {
  const details: unknown = 'details' in error ? error.details : undefined;
  return typeof details === 'string' && details !== '' ? details : error.message;
}
