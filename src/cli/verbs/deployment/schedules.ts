import { Command } from '@commander-js/extra-typings';
import { applySchedules, listSchedules, pauseSchedule, resumeSchedule } from '../../../client/deployment/schedules.js';
import { schedulesBy, scheduleName } from '../../../domain/schedules/schedule.js';
import { readSchedules } from '../../../settings/schedules.js';
import { appliedText, scheduleList } from '../../show/deployment/schedules.js';
import { verb, withTemporal } from '../../verb.js';
import { origin } from '../provision.js';

/** `creel schedules`: what creel does by itself. */
export function schedulesCommand() {
  return new Command('schedules')
    .description('what creel does by itself: show it, make it what the settings say, pause and resume it')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(applyCommand())
    .addCommand(orderCommand('pause'))
    .addCommand(orderCommand('resume'));
}

function listCommand() {
  return verb('list', 'every schedule, when it runs next, and how its last run ended', [
    'creel schedules',
    'creel schedules --json | jq -r ".schedules[] | select(.paused) | .name"',
  ]).action(async (options) => {
    await withTemporal(options, async (client) => {
      const schedules = await listSchedules(client);
      process.stdout.write(options.json ? `${JSON.stringify({ schedules })}\n` : scheduleList(schedules));
    });
  });
}

function applyCommand() {
  return verb(
    'apply',
    'make the schedules what schedules.toml and the defaults say: where that file lies. Twice is once',
    ['creel schedules apply', 'CREEL_SCHEDULES=/etc/creel/schedules.toml creel schedules apply'],
  ).action(async (options) => {
    const { schedules, heartbeat } = readSchedules(process.env);
    const wanted = schedulesBy(schedules, { heartbeat: heartbeat !== undefined });
    await withTemporal(options, async (client) => {
      const applied = await applySchedules(client, wanted);
      process.stdout.write(options.json ? `${JSON.stringify({ applied })}\n` : appliedText(applied));
    });
  });
}

const orders = {
  pause: {
    does: 'let a schedule begin nothing until it is resumed; what runs goes on',
    done: 'is paused',
    act: pauseSchedule,
  },
  resume: { does: 'let a schedule begin runs again', done: 'runs again', act: resumeSchedule },
} as const;

function orderCommand(word: keyof typeof orders) {
  const { does, done, act } = orders[word];
  return verb(word, does, [`creel schedules ${word} rotation`])
    .argument('<name>', 'its name, as `creel schedules` shows it')
    .action(async (raw, options) => {
      const name = scheduleName(raw);
      await withTemporal(options, async (client) => {
        await act(client, name, `${word}d by ${origin()}`);
        process.stdout.write(options.json ? `${JSON.stringify({ name, [word]: true })}\n` : `${name} ${done}\n`);
      });
    });
}
