import type { Act, Plan } from '../../../domain/apply/plan.js';
import { settingsOf, type Difference } from '../../../domain/gateway/spec-words.js';
import type { Filed } from '../../../settings/gateway-files.js';
import type { Usable } from '../../../client/usable.js';
import { sayings, silenceOf } from './change-plan.js';

/** What would be done about one file, and what was found when it was looked at. */
export type Planned = { readonly filed: Filed; readonly plan: Plan; readonly usable?: Usable };

/** Whether a gateway is not what its file asks for, or cannot be known to be. */
export function isDue({ plan }: Planned): boolean {
  return !('acts' in plan) || plan.acts.length > 0;
}

/** The plan for one file as scripts read it: each act with the time that it costs in silence. */
export function plannedJson({ filed, plan, usable }: Planned) {
  const { gateway, file } = filed;
  const acts = 'acts' in plan ? plan.acts.map((act) => ({ ...act, silence: actSilence(act) })) : [];
  return { gateway, file, ...plan, acts, ...(usable && { usable }) };
}

/** The plan for one file as people read it. */
export function plannedLines({ filed, plan, usable }: Planned): string[] {
  const { gateway, file, spec } = filed;
  const head = (said: string) => `${gateway} (${file}): ${said}`;
  if ('refused' in plan) return [head(`REFUSED: ${plan.refused}`)];
  if ('skipped' in plan) return [head(`skipped: ${plan.skipped}`)];
  if ('unknown' in plan) return [head(`not known: ${plan.unknown}`)];
  const { acts, differences, note } = plan;
  const noted = [
    ...(note === undefined ? [] : [note]),
    ...(usable?.findings ?? []).map((each) => `not right: ${each}`),
  ];
  if (acts.length === 0)
    return [
      head(`as it should be${usable ? ', proved usable just now' : ', as recorded'}`),
      ...noted.map((each) => `  ${each}`),
    ];
  const isNew = acts.some(({ act }) => act === 'provision');
  return [
    head(acts.map(({ act }) => headWords[act]).join(', then ')),
    ...(isNew
      ? settingsOf(spec).map(({ setting, asked }) => line('+', setting, asked))
      : differences.map(differenceLine)),
    ...acts.flatMap((act) => [`  ${headWords[act.act]}: ${actWords(act)}`, `    silent for ${actSilence(act)}`]),
    ...noted.map((each) => `  ${each}`),
  ];
}

const headWords: Readonly<Record<Act['act'], string>> = {
  wait: 'wait',
  provision: 'new',
  repair: 'repair',
  settings: 'settings',
  upgrade: 'upgrade',
  change: 'change',
};

function differenceLine({ setting, has, asked }: Difference): string {
  return line('~', setting, `${has} → ${asked}`);
}

function line(sign: string, setting: string, value: string): string {
  return `  ${sign} ${setting.padEnd(11)} ${value}`;
}

function actWords(act: Act): string {
  switch (act.act) {
    case 'wait':
      return `operation ${act.operation} (${act.kind}) is under way; when it has ended, this is looked at again`;
    case 'provision':
      return 'there is no such gateway yet';
    case 'repair':
      return `what is missing is made again, and nothing removed: ${act.why}`;
    case 'upgrade':
      return `release ${act.release} starts on a copy of the state, is proved in a new container, or the old one serves again`;
    case 'settings':
      return `${sayings['record only']}; they count for the upgrade`;
    case 'change':
      return act.ways.map((way) => sayings[way]).join('; ');
  }
}

function actSilence(act: Act): string {
  switch (act.act) {
    case 'wait':
      return 'as long as that operation needs';
    case 'provision':
      return '0 s: it is new; usable after some ten seconds, and the time to fetch its image';
    case 'repair':
      return '0 s where it serves; where it does not, until it has started, some ten seconds';
    case 'upgrade':
      return silenceOf(['new container']);
    case 'settings':
    case 'change':
      return silenceOf(act.ways);
  }
}
