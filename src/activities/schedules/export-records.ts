import { Bug, Refused } from '../../domain/errors.js';
import type { ExportEnd } from '../../domain/recovery/exported.js';
import type { Deps } from '../../world/deps.js';
import { say } from '../../world/sentence.js';

/** Where an export lies, and what is in it. */
export type Exported = ExportEnd & { readonly file: string };

/**
 * Writes the records of all gateways into the directory of this worker's settings. A repetition for the same moment
 * replaces its file.
 */
export async function exportRecords(deps: Deps, { at }: { readonly at: string }): Promise<Exported> {
  const { exports } = deps;
  if (!exports) throw new Refused('this worker has no directory for exports');
  const now = new Date(at);
  const [first, lines] = await opened(deps, now);
  let end: ExportEnd = { gateways: 0, silent: [] };
  const written = async function* () {
    yield `${JSON.stringify(first)}\n`;
    let count = 0;
    for await (const line of lines) {
      deps.signal()?.throwIfAborted();
      if ('end' in line) end = line.end;
      else say(`${(count += 1)} records written`);
      yield `${JSON.stringify(line)}\n`;
    }
  };
  const name = `creel-${first.deployment}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.jsonl`;
  return { ...end, file: await exports.keep(name, written()) };
}

/** The head, whose deployment names the file, and the lines after it. */
async function opened(deps: Deps, now: Date) {
  const lines = deps.records.lines(now);
  const { value: head } = await lines[Symbol.asyncIterator]().next();
  if (!head || !('creel' in head)) throw new Bug('BUG: an export begins with its head');
  return [head, lines] as const;
}
