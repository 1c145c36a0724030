import { Refused } from '../errors.js';

/** What creel does by itself, by the names that `creel schedules` takes. */
export const scheduleNames = ['heartbeat', 'reconcile', 'sweep', 'export', 'drift', 'rotation'] as const;

export type ScheduleName = (typeof scheduleNames)[number];

/** When runs begin: every so often, or by a cron line in UTC. */
export type When = { readonly everyMs: number } | { readonly cron: string };

/** One line of the list: what runs when, and what becomes of a run that is late, overlaps or fails. */
export type Schedule = {
  readonly name: ScheduleName;
  /** What a run does, as people read it. */
  readonly does: string;
  readonly workflow: string;
  readonly when: When;
  /** A run begins up to this much later, by chance that is the same for every run of it. */
  readonly jitterMs: number;
  /** Runs that were missed while the server was away, at most so long ago, are made up for once it is back. */
  readonly catchUpMs: number;
  /** A run that fails pauses what follows, until `creel schedules resume`. */
  readonly pausesOnFailure: boolean;
  /** It begins to run only by `creel schedules resume`. */
  readonly createdPaused: boolean;
};

/** What the settings say of each schedule: that there is to be none, or when it runs. */
export type ScheduleSettings = Readonly<Partial<Record<ScheduleName, { readonly off?: true; readonly when?: When }>>>;

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The least interval that a server keeps: it looks at a schedule once a second. */
const leastEveryMs = secondMs;

/** K-3: everything that creel does by itself, with the defaults that people expect. No run overlaps the one before it: it is left out. */
const declared: readonly Schedule[] = [
  {
    name: 'heartbeat',
    does: 'calls the URL of the settings, which pages when nobody calls',
    workflow: 'callHeartbeat',
    when: { everyMs: minuteMs },
    jitterMs: 0,
    catchUpMs: 10 * secondMs, // A call that is late says nothing true; this is the least that a server takes.
    pausesOnFailure: false,
    createdPaused: false,
  },
  {
    name: 'reconcile',
    does: 'names ready gateways that are not as recorded, and repairs those whose spec says so',
    workflow: 'reconcile',
    when: { everyMs: hourMs },
    jitterMs: 5 * minuteMs,
    catchUpMs: 10 * minuteMs,
    pausesOnFailure: false,
    createdPaused: false,
  },
  {
    name: 'sweep',
    does: 'removes what gateways left behind, where their own record proves it, and reports the rest',
    workflow: 'sweep',
    when: { cron: '0 1 * * *' },
    jitterMs: 10 * minuteMs,
    catchUpMs: 12 * hourMs,
    pausesOnFailure: true, // What removes does not go on by itself where it failed.
    createdPaused: false,
  },
  {
    name: 'export',
    does: 'writes the records of all gateways to a file',
    workflow: 'exportRecords',
    when: { cron: '30 2 * * *' },
    jitterMs: 10 * minuteMs,
    catchUpMs: 12 * hourMs,
    pausesOnFailure: false,
    createdPaused: false,
  },
  {
    name: 'drift',
    does: 'names gateways whose image is another one than that of their release on record',
    workflow: 'reportDrift',
    when: { cron: '0 6 * * MON' }, // S2-39: weekly
    jitterMs: 10 * minuteMs,
    catchUpMs: dayMs,
    pausesOnFailure: false,
    createdPaused: false,
  },
  {
    name: 'rotation',
    does: 'rotates the gateways with rotation = "scheduled", one first, and halts when too many fail',
    workflow: 'rotateScheduled',
    when: { cron: '0 4 1 * *' },
    jitterMs: 0,
    catchUpMs: dayMs,
    pausesOnFailure: true,
    createdPaused: true,
  },
];

/**
 * The schedules that there are to be by these settings. The heartbeat is one of them only where a URL is configured.
 */
export function schedulesBy(settings: ScheduleSettings, { heartbeat }: { readonly heartbeat: boolean }): Schedule[] {
  const wanted = ({ name }: Schedule) => settings[name]?.off !== true && (name !== 'heartbeat' || heartbeat);
  return declared.filter(wanted).map((each) => ({ ...each, when: settings[each.name]?.when ?? each.when }));
}

/** A name of a schedule as given, or `Refused` with those there are. */
export function scheduleName(raw: unknown): ScheduleName {
  const found = scheduleNames.find((each) => each === raw);
  if (found) return found;
  throw new Refused(`no schedule is called ${JSON.stringify(raw)}. Those there are: ${scheduleNames.join(', ')}`);
}

/** An interval as given, or `Refused`. */
export function everyMs(field: string, value: number): When {
  if (value >= leastEveryMs && value <= 366 * dayMs) return { everyMs: value };
  throw new Refused(`${field} is out of bounds: 1 second to 366 days`);
}

const cronField = /^[0-9A-Za-z*/,-]+$/;

/** A cron line of five fields in UTC as given, or `Refused`. What the fields may say is the server's to judge. */
export function cron(field: string, line: string): When {
  const fields = line.trim().split(/\s+/);
  if (fields.length === 5 && fields.every((each) => cronField.test(each))) return { cron: fields.join(' ') };
  throw new Refused(
    `${field} ${JSON.stringify(line)} is no cron line: minute, hour, day of the month, month, day of the week, in UTC. For example: "30 2 * * *"`,
  );
}
