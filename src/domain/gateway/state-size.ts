import { stateDirectory } from './config.js';
import { longestPathBytes, measureStateMs } from '../thresholds.js';

/** What a state takes on a disk, and the first of its paths that is too long for any copy. */
export type Size = { readonly bytes: number; readonly tooLong: string | undefined };

/** What `timeout` exits with when the time was over. */
export const timedOut = 124;

const script = `cd ${stateDirectory} && du -sk . && find . -printf '%p\\n' | LC_ALL=C awk 'length > ${longestPathBytes} { print; exit }'`;

/** The command that measures a state mounted where a gateway has it; it ends by itself. */
export function measureCommand(): string[] {
  return ['timeout', String(measureStateMs / 1000), 'sh', '-c', script];
}

/** What it said; undefined when it did not come to a size. */
export function readSize(stdout: string): Size | undefined {
  const [size = '', tooLong] = stdout.split('\n').filter((line) => line !== '');
  const bytes = Number.parseInt(size, 10) * 1024;
  return Number.isNaN(bytes) ? undefined : { bytes, tooLong };
}
