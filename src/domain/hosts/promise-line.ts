import type { Need } from './ledger.js';

/**
 * What a host has promised to a life. `seen`: whether a count found it, has not had to yet, or missed it once: what two
 * counts miss is gone.
 */
export type Promised = { readonly need: Need; readonly seen: 'yes' | 'no' | 'missed' };

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const marks = { yes: 'y', no: 'n', missed: 'm' } as const;

/** Letters for memory and disk in MB, up to 16 TB, and for hundredths of a processor, up to 2,621 of them. */
const widths = { memoryMb: 4, cpus: 3, diskMb: 4 } as const;

/** A promise in twelve letters; more than there is room for is written as the most there is. */
export function writePromise({ need: { memoryMb, cpus, diskMb }, seen }: Promised): string {
  const { memoryMb: memory, cpus: hundredths, diskMb: disk } = widths;
  return `${marks[seen]}${write(memoryMb, memory)}${write(Math.round(cpus * 100), hundredths)}${write(diskMb, disk)}`;
}

/** The promise that was written. */
export function readPromise(text: string): Promised {
  const mark = text[0];
  const seen = mark === marks.yes ? 'yes' : mark === marks.no ? 'no' : 'missed';
  return {
    need: { memoryMb: read(text.slice(1, 5)), cpus: read(text.slice(5, 8)) / 100, diskMb: read(text.slice(8, 12)) },
    seen,
  };
}

function write(amount: number, width: number): string {
  let left = Math.min(Math.max(0, Math.round(amount)), digits.length ** width - 1);
  let text = '';
  for (let place = 0; place < width; place += 1) {
    text = `${digits[left % digits.length]}${text}`;
    left = Math.floor(left / digits.length);
  }
  return text;
}

function read(text: string): number {
  return Array.from(text).reduce((sum, digit) => sum * digits.length + digits.indexOf(digit), 0);
}
