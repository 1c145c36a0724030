import { Away, Refused } from '../domain/errors.js';
import { diskFull, isDiskFull } from './docker-errors.js';

type Progress = {
  readonly id?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
};

const bytesPerMb = 1_000_000;

/**
 * Follows the lines of a pull: sums the layers up into a sentence, and throws the first line that is an error, which
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
    for (const line of lines) if (line.trim() !== '') this.#line(JSON.parse(line) as Progress);
  }

  /** For example `pulling 123 of 456 MB`. */
  sentence(): string {
    const layers = [...this.#layers.values()];
    const current = layers.reduce((sum, layer) => sum + layer.current, 0);
    const total = layers.reduce((sum, layer) => sum + layer.total, 0);
    return `pulling ${Math.round(current / bytesPerMb)} of ${Math.round(total / bytesPerMb)} MB`;
  }

  #line({ id, error, progressDetail }: Progress): void {
    if (error !== undefined) throw pullError(this.#reference, error);
    const { current, total } = progressDetail ?? {};
    if (id !== undefined && current !== undefined && total !== undefined) this.#layers.set(id, { current, total });
  }
}

/** The kind of an error that a registry, or the way to it, gave: an unknown or forbidden image is `Refused`, the rest `NotYet`. */
export function pullError(reference: string, text: string): Error {
  if (
    /manifest unknown|not found|access denied|unauthorized|forbidden|invalid reference|no matching manifest/i.test(text)
  ) {
    return new Refused(`the registry refused ${reference}: ${text}. Check the image of this release in the catalogue`);
  }
  if (isDiskFull(text)) return diskFull(`pull ${reference}`, text);
  return new Away(`the registry does not give ${reference} yet: ${text}`);
}
