import { writeWhole } from '../adapters/files/export-directory.js';

/** Writes lines to a file that is there as a whole or not at all, for its owner alone. */
export async function saveExport(file: string, lines: AsyncIterable<string>): Promise<void> {
  await writeWhole(file, lines);
}
