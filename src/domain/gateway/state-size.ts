import { stateDirectory } from './config.js';
import { longestPathBytes, measureStateMs } from '../thresholds.js';

/** What a state takes on a disk, and the first of its paths, if any, that is too long for a copy. */
export type Size = { readonly bytes: number; readonly tooLong: string | undefined };

/** The exit code of `timeout` when the time is up. */
export const timedOut = 124;

const script = `cd ${stateDirectory} && du -sk . && find . -printf '%p\\n' | LC_ALL=C awk 'length > ${longestPathBytes} { print; exit }'`;

/** The command that measures a state mounted where a gateway has it; it ends by itself. */
export function measureCommand(): string[] {
  return ['timeout', String(measureStateMs / 1000), 'sh', '-c', script];
}

/** The size that it printed; undefined when it did not get that far. */
export function readSize(stdout: string): Size | undefined {
  const [size = '', tooLong] = stdout.split('\n').filter((line) => line !== '');
  const bytes = Number.parseInt(size, 10) * 1024;
  return Number.isNaN(bytes) ? undefined : { bytes, tooLong };
}
