import { machineText } from '../hosts/machine-wish.js';
import type { Place } from '../hosts/place.js';
import { changeWays, type ChangeWay } from '../changes/reconfiguration.js';
import { changedSpec, type GatewaySpec, type SpecChange } from '../gateway/spec.js';
import { changeTo, differing, settingsThatDiffer, type Difference, type Field } from '../gateway/spec-words.js';
import { compareReleases } from '../release/release.js';

/** What a file asks for: a gateway, and its whole spec. */
export type Wanted = {
  readonly gateway: string;
  readonly spec: GatewaySpec;
  /** Where it begins; anywhere when absent. It stays where it began. */
  readonly place?: Place;
};

/** A gateway as its record has it, and as a look has just found it. */
export type Found =
  | { readonly is: 'nothing' }
  /** Removed; its state can be taken up until then. */
  | { readonly is: 'kept'; readonly until: string }
  | { readonly is: 'going' }
  /** Its record was ended from outside. `cure` says by which commands it is taken up. */
  | { readonly is: 'lost'; readonly cure: string }
  /** It could not be looked at: no worker stands beside its engine. */
  | { readonly is: 'unattended'; readonly why: string }
  /** It was stopped by an operator's word, and is to stay so until another. */
  | { readonly is: 'suspended'; readonly why: string }
  | Living;

export type Living = {
  readonly is: 'alive';
  readonly spec: GatewaySpec;
  /** The operation that runs, or waits for its turn. */
  readonly busy?: { readonly operation: number; readonly kind: string };
  /** The release that a rollback goes back to. */
  readonly former?: string;
  /** Why it is not what its record says it should be; absent when nothing is wrong. */
  readonly wrong?: string;
  /** Nothing can be changed before that is repaired. */
  readonly down?: true;
};

/** One operation on the way to what a file asks for. */
export type Act =
  | { readonly act: 'wait'; readonly operation: number; readonly kind: string }
  | { readonly act: 'provision' }
  | { readonly act: 'repair'; readonly why: string }
  | { readonly act: 'upgrade'; readonly release: string; readonly dev: boolean }
  /** `settings`: what counts for the upgrade that follows, and only the record has it. */
  | { readonly act: 'settings' | 'change'; readonly change: SpecChange; readonly ways: readonly ChangeWay[] };

/** What is to be done about one gateway: nothing, when there are no acts. */
export type Plan =
  | { readonly acts: readonly Act[]; readonly differences: readonly Difference[]; readonly note?: string }
  /** No operation leads there: the file, or something else, has to change first. */
  | { readonly refused: string }
  /** It is not to serve now, and nothing is asked of it. */
  | { readonly skipped: string }
  /** It cannot be judged now. */
  | { readonly unknown: string };

/**
 * What makes a gateway what its file asks for. The first act is the next to do; when it is done, the plan is made anew
 * from what is found then.
 */
export function planFor({ gateway, spec }: Wanted, found: Found): Plan {
  if (found.is === 'nothing') return { acts: [{ act: 'provision' }], differences: [] };
  if (found.is === 'suspended') return { skipped: found.why };
  if (found.is === 'unattended') return { unknown: found.why };
  if (found.is === 'lost') return { refused: found.cure };
  if (found.is === 'going') return { refused: `it is being removed. Apply again when it is gone` };
  if (found.is === 'kept')
    return {
      refused: `it was removed and its state is kept until ${found.until}. Take it up with \`creel provision ${gateway} --restore\`, or let it go with \`creel remove ${gateway} --purge\``,
    };
  return planOfLiving(gateway, spec, found);
}

function planOfLiving(gateway: string, asked: GatewaySpec, found: Living): Plan {
  const { spec: has, busy, wrong, down } = found;
  const fields = differing(has, asked).filter((field) => field !== 'dev' || has.release !== asked.release);
  const differences = settingsThatDiffer(has, { ...asked, ...(!fields.includes('dev') && { dev: has.dev }) });
  if (busy)
    return {
      acts: [{ act: 'wait', operation: busy.operation, kind: busy.kind }, ...changes(has, asked, fields)],
      differences,
    };
  if (compareReleases(asked.release, has.release) < 0) return { refused: noWayBack(gateway, asked, found) };
  if (fields.includes('machine'))
    return {
      refused: `it stands on ${standsOn(has)}, and a gateway keeps its machine for life: leave machine as it is`,
    };
  const repair: Act[] = wrong === undefined ? [] : [{ act: 'repair', why: wrong }];
  const acts = changes(has, asked, fields);
  const note = has.dev === asked.dev || fields.includes('dev') ? {} : { note: devNote(asked) };
  return { acts: down ? [...repair, ...acts] : [...acts, ...repair], differences, ...note };
}

/**
 * What can be asked of the record before anything is begun. What comes after a wait or a repair is asked when that has
 * ended: until then the record says no to it for what is just being put right.
 */
export function askableNow(acts: readonly Act[]): Exclude<Act, { act: 'wait' }>[] {
  const [first] = acts;
  if (first?.act === 'repair') return [first];
  return first?.act === 'wait' ? [] : acts.filter((each) => each.act !== 'wait');
}

/** The fields that only a record has, and of which those of an upgrade are decided when it begins. */
const recorded: readonly Field[] = ['diskMb', 'keepFormerMs', 'parkMs', 'keepStateMs', 'rotation', 'repair', 'fence'];

/** What is on record alone goes before an upgrade, for which it counts; the rest after it, on the release that it was written for. */
function changes(has: GatewaySpec, asked: GatewaySpec, fields: readonly Field[]): Act[] {
  const others = fields.filter((field) => field !== 'release' && field !== 'dev');
  if (!fields.includes('release')) return changeOf('change', has, asked, others);
  return [
    ...changeOf(
      'settings',
      has,
      asked,
      others.filter((field) => recorded.includes(field)),
    ),
    { act: 'upgrade', release: asked.release, dev: asked.dev },
    ...changeOf(
      'change',
      has,
      asked,
      others.filter((field) => !recorded.includes(field)),
    ),
  ];
}

function changeOf(act: 'settings' | 'change', has: GatewaySpec, asked: GatewaySpec, fields: readonly Field[]): Act[] {
  if (fields.length === 0) return [];
  const change = changeTo(asked, fields);
  return [{ act, change, ways: changeWays(has, changedSpec(has, change), change) }];
}

function standsOn({ machine }: GatewaySpec): string {
  return machine ? `a machine of its own (${machineText(machine)})` : 'a host that it shares';
}

function noWayBack(gateway: string, asked: GatewaySpec, { spec, former }: Living): string {
  const older = `release ${asked.release} is older than ${spec.release}, which it runs, and no file takes a gateway back`;
  return former === asked.release
    ? `${older}. \`creel rollback ${gateway}\` goes back to it, with the state that it had then`
    : `${older}: its state belongs to the newer one. Write release = "${spec.release}" or a newer one`;
}

/** `dev` only allows what a release is: it changes nothing of one that runs. */
function devNote({ dev }: GatewaySpec): string {
  return `dev = ${dev} counts from its next release on`;
}
