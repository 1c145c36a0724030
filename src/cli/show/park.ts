import type { Park, ParkAnswer } from '../../wire/park.js';

/**
 * A park and the commands that answer it. A remedy named in its reason can begin only after the answer, and that is
 * said.
 */
export function parkLines(gateway: string, park: Park): string[] {
  const undo = park.doing === 'undo' ? 'the undo of ' : '';
  const command = (word: ParkAnswer) => `creel ${word} ${gateway} --park ${park.number}`;
  const up = park.answers.find((word) => word === 'abort' || word === 'leave');
  const giveUp = up === undefined ? '' : `, or \`${command(up)}\`, then the command that it names`;
  return [
    `parked (${park.number}) at ${undo}"${park.step}" since ${park.since}: ${park.reason}`,
    ...(namesChange(park.reason, gateway)
      ? [
          `nothing else of ${gateway} begins before this is answered: \`${command('retry')}\` when it is mended${giveUp}`,
        ]
      : []),
    `answer until ${park.until}: ${park.answers.map(command).join('  |  ')}`,
  ];
}

/** Whether a sentence names a command that would have to wait behind the park. */
function namesChange(sentence: string, gateway: string): boolean {
  const waiting = ['provision', 'change', 'upgrade', 'rollback', 'rotate', 'pair', 'deny', 'unpair'];
  return waiting.some((word) => sentence.includes(`\`creel ${word} ${gateway}`));
}
