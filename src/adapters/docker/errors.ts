import { Away, NotYet, Refused } from '../../domain/errors.js';

/**
 * The HTTP status and the sentence of an engine's error; undefined for any error that is not an answer of the engine.
 */
export function answerOf(error: unknown): { readonly status: number; readonly text: string } | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined;
  const said = 'json' in error && isMessage(error.json) ? error.json.message : withoutHeading(error.message);
  return { status: error.statusCode, text: said.trim() };
}

/** docker-modem prefixes a sentence of its own, which may be wrong: for a missing file it says `no such container`. */
function withoutHeading(message: string): string {
  return message.replace(/^\(HTTP code \d+\) .*? - /, '');
}

/**
 * The kind of an error on the way to the engine. An error that has a kind, is an answer of the engine, or is the reason
 * of a cancellation is returned as it is.
 */
export function kindOf(error: unknown, what: string, where: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const cause = { cause: error };
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new Away(
        `no Docker engine answers at ${where} (${error.code}). Start it (\`systemctl start docker\`, or Docker Desktop), or name the socket of the one that runs`,
        cause,
      );
    case 'EACCES':
    case 'EPERM':
      return new Refused(
        `no right to use the Docker socket ${where} (${error.code}). Add this user to the group that owns it (\`usermod -aG docker USER\`, then log in again)`,
        cause,
      );
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return new Error(`docker engine at ${where} hung up during ${what} (${error.code})`, cause);
    default:
      return error;
  }
}

/**
 * The error for an answer that its caller did not expect: `Refused` when no retry can change it, `NotYet` for a missing
 * container.
 */
export function unexpected(error: unknown, what: string): unknown {
  const answer = answerOf(error);
  if (!answer) return error;
  const sentence = `docker engine, ${what}: ${answer.status} ${answer.text}`;
  const cause = { cause: error };
  if (isContainerGone(answer)) return new NotYet(sentence, cause);
  if (isDiskFull(answer.text)) return diskFull(what, answer.text, cause);
  if (isFirewallFlushed(answer.text)) return firewallFlushed(what, answer.text, cause);
  const limit = limitRefusal(answer.text);
  if (limit !== undefined) return new Refused(`${sentence}. ${limit}`, cause);
  if ([400, 401, 403].includes(answer.status)) return new Refused(sentence, cause);
  return new Error(sentence, cause);
}

/** Whether a disk of the engine's host is full: no retry frees it. */
export function isDiskFull(text: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(text);
}

/** The refusal of something for which the engine's host has no room, in the words of whatever found out. */
export function diskFull(what: string, text: string, cause: ErrorOptions = {}): Refused {
  return new Refused(
    `docker engine, ${what}: no room on its host (${text.trim()}). Free disk there (\`docker image prune\`), then ask again; see docs/runbook.md#host-full`,
    cause,
  );
}

/** What helps against an engine that does not enforce a container's limits; undefined for any other text. */
function limitRefusal(text: string): string | undefined {
  if (/only \d+ CPUs available/i.test(text)) return 'Ask for fewer processors (`--cpus`), or choose a larger host';
  if (/CPU CFS|kernel does not support .*(?:limit|cgroup)|controller .* (?:not|is not) available/i.test(text))
    return 'This engine cannot limit a container, as those of rootless Docker or of a network storage often cannot; see docs/runbook.md#engine-unfit';
  return undefined;
}

/**
 * Whether somebody removed the engine's own chains from the host's firewall: only a restart of the engine puts them
 * back.
 */
function isFirewallFlushed(text: string): boolean {
  return /No chain\/target\/match by that name/i.test(text);
}

function firewallFlushed(what: string, text: string, cause: ErrorOptions): Refused {
  return new Refused(
    `docker engine, ${what}: its firewall rules are gone from the host, somebody flushed or reloaded the firewall (${text.trim()}). Restart the engine (\`systemctl restart docker\`), then ask again; see docs/runbook.md#firewall-flushed`,
    cause,
  );
}

/** Whether an answer says that the container itself is missing, not its image, its network or a file in it. */
export function isContainerGone(answer: { readonly status: number; readonly text: string }): boolean {
  return answer.status === 404 && /no such container/i.test(answer.text);
}

/** Whether an engine says that something else listens on the port of a container that is to start. */
export function isPortTaken(text: string): boolean {
  return /port is already allocated|address already in use|ports are not available/i.test(text);
}

function isMessage(json: unknown): json is { message: string } {
  return typeof json === 'object' && json !== null && 'message' in json && typeof json.message === 'string';
}
