import type { Way } from '../../domain/changes/copying.js';
import { Refused } from '../../domain/errors.js';

/** What a copy's tools say of a file that they will never be able to read or write, and the remedy. */
const hopeless: readonly (readonly [RegExp, string])[] = [
  [/file name too long/i, 'Move or remove what lies that deep'],
  [
    /input\/output error|structure needs cleaning/i,
    'The disk of the host is failing there: look at its log, repair or replace it',
  ],
  [/operation not permitted/i, 'Take the attribute away that forbids it (`lsattr`, `chattr -i`)'],
  [/permission denied/i, 'Something on the host forbids it (SELinux, AppArmor, a user namespace): allow it'],
  [/read-only file system/i, 'The disk of the host was mounted read-only: repair it and mount it writable'],
];

/** A tool may quote a whole path, whose beginning and end are enough to find the file. */
const keptCharacters = 240;

/** The error for a copy that failed. What no other attempt can change is `Refused`, with the file and the remedy. */
export function copyFailure(way: Way, volume: string, exitCode: number, stderr: string): Error {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  for (const [pattern, remedy] of hopeless) {
    const line = lines.find((each) => pattern.test(each));
    if (line === undefined) continue;
    return new Refused(
      `could not ${way} volume ${volume}: ${shortened(line)}. ${remedy}, then ask again; see docs/runbook.md#copy-refused`,
    );
  }
  return new Error(`could not ${way} volume ${volume}: exit ${exitCode} ${shortened(lines.at(-1) ?? '')}`);
}

/** A state that an interrupted copy left torn is never saved: a saved state must be fit to go back to. */
export function tornRefusal(volume: string): Refused {
  return new Refused(
    `volume ${volume} says that it is torn: a copy into it was cut short. It is not saved; see docs/runbook.md#state-torn`,
  );
}

function shortened(line: string): string {
  if (line.length <= 2 * keptCharacters) return line;
  return `${line.slice(0, keptCharacters)} … ${line.slice(-keptCharacters)}`;
}
