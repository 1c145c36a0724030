import { z } from 'zod';
import { Away, Refused } from '../../domain/errors.js';
import { diskFull, isDiskFull } from './errors.js';

/**
 * One line of a pull. An engine reports an error as `error`, `errorDetail`, or both; the newer form may stand alone.
 */
const progressLine = z.object({
  id: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string().optional(), code: z.number().optional() }).nullish(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
});

const bytesPerMb = 1_000_000;

/**
 * Follows the lines of a pull: adds the layers up into one sentence, and throws the first line that is an error, which
 * dockerode's own `followProgress` lets pass as success.
 */
export class PullProgress {
  readonly #layers = new Map<string, { readonly current: number; readonly total: number }>();
  readonly #reference: string;
  #rest = '';

  constructor(reference: string) {
    this.#reference = reference;
  }

  take(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#line(line);
  }

  /** For example `pulling 123 of 456 MB`. */
  sentence(): string {
    const layers = [...this.#layers.values()];
    const current = layers.reduce((sum, layer) => sum + layer.current, 0);
    const total = layers.reduce((sum, layer) => sum + layer.total, 0);
    return `pulling ${Math.round(current / bytesPerMb)} of ${Math.round(total / bytesPerMb)} MB`;
  }

  #line(text: string): void {
    const line = progressLine.parse(JSON.parse(text));
    const error = line.error ?? line.errorDetail?.message;
    if (error !== undefined) throw pullError(this.#reference, error, line.errorDetail?.code);
    const { current, total } = line.progressDetail ?? {};
    if (line.id !== undefined && current !== undefined && total !== undefined)
      this.#layers.set(line.id, { current, total });
  }
}

/**
 * Statuses that no retry changes: the request is wrong, lacks credentials, is forbidden, or names something that does
 * not exist.
 */
const finalStatuses: readonly number[] = [400, 401, 403, 404];

/**
 * The kind of an error from a registry, or from the way to it. The HTTP status decides: the engine's own if it passes
 * the registry's on, otherwise the one within its words; 429, 5xx and a broken line are asked again. Only an error
 * without any status is judged by its words.
 */
export function pullError(reference: string, text: string, status?: number): Error {
  if (isDiskFull(text)) return diskFull(`pull ${reference}`, text);
  const said = status !== undefined && status !== 500 ? status : statusWithin(text);
  const final = said === undefined ? isFinal(text) : finalStatuses.includes(said);
  if (!final) return new Away(`the registry does not give ${reference} yet: ${text}`);
  return new Refused(`the registry refused ${reference}: ${text}. ${remedyOf(said, text)}`);
}

/**
 * An HTTP status that an engine repeats in a sentence, as in `unexpected status from HEAD request to …: 403 Forbidden`.
 */
function statusWithin(text: string): number | undefined {
  const named = /\bstatus(?: code)?:? ["']?([45]\d\d)\b/i.exec(text)?.[1];
  const phrase =
    /\b([45]\d\d) (?:Bad Request|Unauthorized|Forbidden|Not Found|Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)\b/i.exec(
      text,
    )?.[1];
  const status = named ?? phrase;
  if (status !== undefined) return Number(status);
  return /toomanyrequests|too many requests/i.test(text) ? 429 : undefined;
}

function isFinal(text: string): boolean {
  return /manifest unknown|not found|access (?:to the resource is )?denied|unauthorized|forbidden|authentication required|no basic auth credentials|invalid reference|no matching manifest/i.test(
    text,
  );
}

function remedyOf(status: number | undefined, text: string): string {
  const asksWho = status === 401 || status === 403 || /denied|unauthorized|forbidden|auth/i.test(text);
  return asksWho
    ? 'Log the user of its worker in there (`docker login`, or a credential helper), which every pull of that worker goes by; or pull it on that host by hand (`docker pull`): then it is not asked for. See docs/runbook.md#image-missing'
    : 'Check the image of this release in the catalogue';
}
