import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { cron, everyMs, scheduleNames, type ScheduleSettings, type When } from '../domain/schedules/schedule.js';
import { Secret } from '../domain/secret.js';
import { exportsKept } from '../domain/thresholds.js';
import { directories } from './directories.js';
import { milliseconds } from './spec.js';
import { readTomlFile } from './toml-file.js';

const when = {
  cron: z.string('must be a cron line in quotes, for example "30 2 * * *"').optional(),
  every: z.string('must be a duration in quotes, for example "1 hour"').optional(),
  off: z.boolean('must be true or false').optional(),
};

const schedule = z.strictObject(when).optional();

const fileForm = z.strictObject({
  heartbeat: z
    .strictObject({ ...when, url: z.url({ protocol: /^https?$/, message: 'must be an http or https URL' }).optional() })
    .optional(),
  export: z
    .strictObject({
      ...when,
      directory: z.string().refine(isAbsolute, 'must be an absolute path').optional(),
      keep: z.number().int().min(1, 'must be at least 1').max(10_000, 'must be at most 10000').optional(),
    })
    .optional(),
  drift: schedule,
  reconcile: schedule,
  sweep: schedule,
  rotation: schedule,
});

type File = z.infer<typeof fileForm>;

/** Where exports are put, and how many of them are kept. */
export type ExportsSetting = { readonly directory: string; readonly keep: number };

/** What `schedules.toml` says: when which schedule runs, and what their runs need of a worker. */
export type Schedules = {
  readonly schedules: ScheduleSettings;
  /** Whom the heartbeat calls; whoever knows it can call as well. Undefined: there is no heartbeat. */
  readonly heartbeat: Secret | undefined;
  readonly exports: ExportsSetting;
};

/**
 * The schedules as CREEL_SCHEDULES or the usual file says them; a missing usual file changes nothing of the defaults.
 * `Refused` with what is wrong in it.
 */
export function readSchedules(env: NodeJS.ProcessEnv): Schedules {
  const named = env['CREEL_SCHEDULES'] || undefined;
  const usual = join(directories(env).config, 'schedules.toml');
  const file = named ?? usual;
  const written = readTomlFile(fileForm, { named, usual });
  const { heartbeat, export: exporting } = written;
  return {
    schedules: Object.fromEntries(scheduleNames.map((name) => [name, settingOf(file, name, written[name])])),
    heartbeat: heartbeat?.url === undefined ? undefined : new Secret(heartbeat.url),
    exports: {
      directory: exporting?.directory ?? join(directories(env).state, 'exports'),
      keep: exporting?.keep ?? exportsKept,
    },
  };
}

function settingOf(file: string, name: string, written: NonNullable<File['drift']> = {}) {
  if (written.cron !== undefined && written.every !== undefined)
    throw new Refused(`${file}: [${name}] says both cron and every: one of them decides`);
  const given = whenOf(`${file}: [${name}]`, written);
  return { ...(written.off && { off: true as const }), ...(given && { when: given }) };
}

function whenOf(where: string, written: NonNullable<File['drift']>): When | undefined {
  if (written.cron !== undefined) return cron(`${where} cron`, written.cron);
  if (written.every === undefined) return undefined;
  return everyMs(`${where} every`, milliseconds(`${where} every`, written.every));
}
