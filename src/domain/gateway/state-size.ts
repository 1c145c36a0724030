import { sizeText } from '../amounts.js';
import { longestPathBytes, measureStateMs, usedStateMs } from '../thresholds.js';
import { stateDirectory } from './config.js';

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

/** The command that says inside a running gateway what its state takes, and no more; it ends by itself. */
export function usedCommand(): string[] {
  return ['timeout', String(usedStateMs / 1000), 'du', '-sk', stateDirectory];
}

/** How much of its disk a state takes, as people read it: "1.2 GB of 10 GB". */
export function usedText(bytes: number, diskMb: number): string {
  return `${gigabytes(bytes)} of ${sizeText(diskMb)}`;
}

/** Bytes as people read them: "1.2 GB". */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

/** Whether a state takes more than its spec says; never where that says nothing. */
export function isOver(bytes: number, diskMb: number | undefined): boolean {
  return diskMb !== undefined && bytes > diskMb * 1024 ** 2;
}

/** What is wrong with a state that is over, and what mends it. */
export function overText(gateway: string, bytes: number, diskMb: number): string {
  return `the state of ${gateway} takes ${usedText(bytes, diskMb)}: its customer removes what is not needed, or \`creel change ${gateway} --disk …\` gives it more. See docs/runbook.md#state-over-its-disk`;
}
