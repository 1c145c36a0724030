import { ask, reply } from '../../client/gateways.js';
import { TurnedDown } from '../../client/failure.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import type { ParkAnswer } from '../../wire/park.js';
import { Ended, exits } from '../exit.js';
import { follow } from '../show/follow.js';
import { origin } from './provision.js';
import { parkLines } from '../show/park.js';
import { verb, withTemporal } from '../verb.js';

const meanings: Record<ParkAnswer, string> = {
  retry: 'try the step again on which an operation is parked',
  skip: 'go on without the optional step on which an operation is parked',
  allow: 'let pass what a parked operation refuses, exactly as it is shown',
  abort: 'give a parked operation up: it undoes what it did',
  leave: 'leave behind what a parked undo could not remove',
};

/**
 * `creel retry`, `skip`, `allow`, `abort`, `leave`: an operator's answer to a parked operation; it names the park it
 * answers.
 */
export function answerCommand(word: ParkAnswer) {
  return verb(word, meanings[word], [
    `creel ${word} g42                     shows the park and its number`,
    `creel ${word} g42 --park 12.1`,
  ])
    .argument('<id>', 'gateway id')
    .option('--park <number>', 'the park that is answered, as `creel describe` shows it')
    .option('--detach', 'do not follow the operation')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      await withTemporal(options, async (client, target) => {
        const { park, running, life } = await ask(client, id);
        if (options.park === undefined) {
          if (!park) throw new TurnedDown(`${id} is not parked: nothing waits for an answer`, 'Refused');
          throw new Ended(
            [...parkLines(id, park), 'name the park that you answer with --park'].join('\n'),
            exits.usage,
          );
        }
        await reply(client, id, { park: options.park, answer: word, origin: origin() });
        const json = options.json === true;
        const isIts = running?.operation === Number.parseInt(options.park, 10); // A repeat may come after its end.
        if (options.detach || !running || !isIts || !life) {
          process.stdout.write(
            json
              ? `${JSON.stringify({ gateway: id, park: options.park, answer: word })}\n`
              : `${word}: park ${options.park} of ${id} is answered\n`,
          );
          return;
        }
        const accepted = { gateway: id, birth: life.mark.birth, ...running, state: 'running' } as const;
        process.exitCode = await follow(client, accepted, { json, target, answered: options.park });
      });
    });
}
