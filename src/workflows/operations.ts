import type { Activities } from '../activities/activities.js';
import type { Change } from '../domain/changes/change.js';
import type { Denial, Pairing, Unpairing } from '../domain/changes/pairing.js';
import type { Replacement } from '../domain/changes/replacement.js';
import type { Rotation } from '../domain/changes/rotation.js';
import type { Changing } from '../domain/gateway/changing.js';
import type { Living } from '../domain/gateway/life.js';
import type { Reconfiguration } from '../domain/changes/reconfiguration.js';
import type { ChangeRequest } from '../wire/change-requests.js';
import type { Answer } from '../wire/answer.js';
import type { OperationKind } from '../wire/operation.js';

/** The activities that answer as a step does. */
type StepActivity = {
  [K in keyof Activities]: Activities[K] extends (told: never) => Promise<Answer | void> ? K : never;
}[keyof Activities];

/** A step of a gateway: exactly one activity, and the one that undoes it. */
export type Step = {
  readonly do: StepActivity;
  /** Absent where nothing is left behind: the reason stands beside each. */
  readonly undo?: StepActivity;
  /** An operator may skip it; a gateway without it is `degraded`. */
  readonly optional?: true;
  /** How long it may take: `act` creates, `wait` waits for the gateway, `fetch` may load an image. */
  readonly pace: 'act' | 'wait' | 'fetch';
  /** Its refusal is a question to an operator, also within a change. */
  readonly asks?: true;
  /** An operator may let its refusal pass: exactly the sentence that is shown. */
  readonly allows?: true;
  /** It only waits, for a person or a device: in slots of its own, where nobody's work waits behind it. */
  readonly waits?: true;
  /** How often it may be tried at most, where each try costs something. */
  readonly attempts?: number;
  /** What goes missing under it ends its operation: the list never begins again from the top, because its beginning asks for a gateway that serves. */
  readonly once?: true;
  /** The step whose undo takes back what this one does as well: a lost attempt of it is waited for with that one. */
  readonly undoneBy?: string;
  /** Its undo lets go of what may be the only copy: nothing of the operation may land any more by then. */
  readonly undoneLast?: true;
};

/**
 * Every step there ever was, by its name, which is for ever: operations carry names, and a retired step stays here with its
 * undo as long as a record may name it.
 */
const steps = {
  'check host': { do: 'ensureHost', pace: 'act' }, // only reads
  'fetch release': { do: 'ensureRelease', pace: 'fetch' }, // an image is shared between gateways
  'keep state': { do: 'ensureState', undo: 'removeState', pace: 'act' },
  'join network': { do: 'ensureNetwork', undo: 'removeNetwork', pace: 'act' },
  'write config': { do: 'ensureConfig', undo: 'removeConfig', pace: 'act' },
  'start container': { do: 'ensureContainer', undo: 'removeContainer', pace: 'act' },
  'await readiness': { do: 'probeReadiness', pace: 'wait' }, // only reads
  'pair operator': { do: 'ensureOperator', pace: 'act' }, // the device goes with its state
  'probe channels': { do: 'probeChannels', optional: true, pace: 'wait' }, // only reads
  'keep running': { do: 'ensureRestartPolicy', pace: 'act' }, // the policy goes with its container
  'read back': { do: 'findGateway', pace: 'act' }, // only reads
  'check rotation': { do: 'probeRotatable', pace: 'act' }, // only reads
  'apply token': { do: 'ensureToken', undo: 'restoreToken', pace: 'act' },
  'prove token': { do: 'probeToken', pace: 'wait' }, // pairs creel's device, which goes with its state
  'prove refusal': { do: 'probeRefusal', pace: 'act', attempts: 2 }, // one wrong token, which the gateway forgets
  'list devices': { do: 'findEvicted', pace: 'act' }, // only reads
  'close sessions': { do: 'ensureShutOut', pace: 'act' }, // a device that is shut out can only ask again
  'evict devices': { do: 'ensureEvicted', pace: 'act' }, // a removed device has to pair again: it lost its key's trust
  'retire device': { do: 'ensureRetired', pace: 'act', undoneBy: 'apply token' }, // the way back pairs it again
  'name devices': { do: 'findStrangers', pace: 'act' }, // only reads
  'read rotated': { do: 'findRotated', pace: 'act' }, // only reads
  'check pairing': { do: 'probePairable', pace: 'act' }, // only reads
  'await request': { do: 'probeRequest', pace: 'wait', waits: true }, // only reads
  'approve device': { do: 'ensureApproval', undo: 'removeApproval', pace: 'act', asks: true, allows: true },
  'await device': { do: 'probePaired', pace: 'wait', waits: true }, // only reads
  'turn down request': { do: 'ensureDenial', pace: 'act' }, // a device may ask again
  'check device': { do: 'probeUnpairable', pace: 'act' }, // only reads
  'cut off device': { do: 'ensureCutOff', pace: 'act' }, // a device that is cut off can only ask again
  'prove removal': { do: 'probeCutOff', pace: 'act' }, // only reads
  'check replacement': { do: 'probeReplaceable', pace: 'act', once: true }, // only reads
  'fetch replacement': { do: 'ensureNextRelease', pace: 'fetch', once: true }, // an image is shared between gateways
  'rehearse replacement': { do: 'ensureRehearsal', undo: 'removeRehearsal', pace: 'wait', once: true },
  'make room': { do: 'ensureRoom', undo: 'removeRoom', pace: 'act', undoneLast: true, once: true },
  'set aside': { do: 'ensureAside', undo: 'restoreAside', pace: 'wait', once: true },
  'save state': { do: 'ensureSaved', pace: 'wait', undoneBy: 'make room', once: true }, // goes with the room that was made for it
  'take state': { do: 'ensureTaken', pace: 'wait', undoneBy: 'set aside', once: true }, // what was set aside gets its own state back
  'start replacement': { do: 'ensureReplacement', undo: 'removeReplacement', pace: 'act', once: true },
  'await replacement': { do: 'probeReplacement', pace: 'wait', once: true }, // only reads
  'prove replacement': { do: 'probeDevices', pace: 'wait', once: true }, // a device that was cut off stays so: what is set aside has not known it since
  'commit replacement': { do: 'ensureCommitted', pace: 'wait', undoneBy: 'set aside', once: true }, // what was set aside is made anew
  'read replaced': { do: 'findReplaced', pace: 'act', once: true }, // only reads
  'check channels': { do: 'probeReconfigurable', pace: 'act', once: true }, // only reads
  'apply channels': { do: 'ensureChannels', undo: 'restoreChannels', pace: 'wait', once: true },
  'prove channels': { do: 'probeReconfigured', pace: 'wait', once: true }, // only reads
  'read reconfigured': { do: 'findReconfigured', pace: 'act', once: true }, // only reads
  'check limits': { do: 'probeLimits', pace: 'act', once: true }, // only reads
  'apply limits': { do: 'ensureLimits', undo: 'restoreLimits', pace: 'act', once: true },
  'rehearse rotation': { do: 'ensureRotationRehearsal', undo: 'removeRotationRehearsal', pace: 'wait' },
  'rehearse channels': { do: 'ensureChannelRehearsal', undo: 'removeChannelRehearsal', pace: 'wait' },
  'drop snapshot': { do: 'ensureDropped', pace: 'act' }, // what nobody goes back to is gone for good
  'look again': { do: 'findUnchanged', pace: 'wait', attempts: 3 }, // only reads
  'fetch reader': { do: 'ensureReader', pace: 'fetch' }, // an image is shared between gateways
  'read kept': { do: 'findKept', pace: 'act' }, // only reads
} as const satisfies Record<string, Step>;

/** The name of a step, which is for ever. */
export type StepName = keyof typeof steps;

/** The steps whose activity, and whose undo, take what an operation of this kind tells them. */
type StepsFor<Told> = {
  [S in StepName]: Verbs<(typeof steps)[S]> extends Taking<Told> ? S : never;
}[StepName];

type Verbs<Row> = (Row extends { do: infer Do } ? Do : never) | (Row extends { undo: infer Undo } ? Undo : never);

type Taking<Told> = {
  [K in StepActivity]: Activities[K] extends (told: Told) => unknown ? K : never;
}[StepActivity];

/** Every step by a name that may be older than this version, or newer. */
export const registry: Readonly<Record<string, Step>> = steps;

/** Everything a live gateway owns, in the order it comes to exist. */
export const provisionSteps = [
  'check host',
  'fetch release',
  'keep state',
  'join network',
  'write config',
  'start container',
  'await readiness',
  'pair operator',
  'probe channels',
  'keep running',
  'read back',
] as const satisfies readonly StepsFor<Living>[];

/** The next generation of the gateway token, applied and proved. */
export const rotateSteps = [
  'check rotation',
  'rehearse rotation',
  'apply token',
  'prove token',
  'prove refusal',
  'name devices',
  'read rotated',
] as const satisfies readonly StepsFor<Changing<Rotation>>[];

/** The same for a compromise: nobody but creel's new device stays in, and who must pair again is named before anybody goes. */
export const evictSteps = rotateSteps.flatMap((step): StepsFor<Changing<Rotation>>[] =>
  step === 'name devices' ? ['list devices', 'close sessions', 'evict devices', step] : [step],
);

/** The same to another master key: creel's device of the old one is cut off. */
export const rekeySteps = rotateSteps.flatMap((step): StepsFor<Changing<Rotation>>[] =>
  step === 'name devices' ? ['retire device', step] : [step],
);

/** A device is let in: it asked for no more than it may have, and it has connected. */
export const pairSteps = [
  'check pairing',
  'await request',
  'approve device',
  'await device',
] as const satisfies readonly StepsFor<Changing<Pairing>>[];

/** A device's request is turned down. */
export const denySteps = ['turn down request'] as const satisfies readonly StepsFor<Changing<Denial>>[];

/** A device is cut off, and that is proved. */
export const unpairSteps = ['check device', 'cut off device', 'prove removal'] as const satisfies readonly StepsFor<
  Changing<Unpairing>
>[];

/** Another release, proved beside the one that serves. */
export const upgradeSteps = [
  'check replacement',
  'fetch replacement',
  'rehearse replacement',
  'make room',
  'set aside',
  'save state',
  'start replacement',
  'await replacement',
  'prove replacement',
  'commit replacement',
  'read replaced',
] as const satisfies readonly StepsFor<Changing<Replacement>>[];

/** The kept release and the state that goes with it, which were proved together. */
export const rollbackSteps = [
  'check replacement',
  'fetch replacement',
  'rehearse replacement',
  'make room',
  'set aside',
  'save state',
  'take state',
  'start replacement',
  'await replacement',
  'prove replacement',
  'commit replacement',
  'read replaced',
] as const satisfies readonly StepsFor<Changing<Replacement>>[];

/** Other channels, taken up by the container that there is and proved. */
export const reconfigureSteps = [
  'check channels',
  'rehearse channels',
  'apply channels',
  'prove channels',
  'read reconfigured',
] as const satisfies readonly StepsFor<Changing<Reconfiguration>>[];

/** Other limits, given by the engine to the container that there is. */
export const limitSteps = ['check limits', 'apply limits', 'read reconfigured'] as const satisfies readonly StepsFor<
  Changing<Reconfiguration>
>[];

/** Both: the limits first, because a release that restarts for its channels starts with them. */
export const limitAndChannelSteps = [
  'check channels',
  'check limits',
  'rehearse channels',
  'apply limits',
  'apply channels',
  'prove channels',
  'read reconfigured',
] as const satisfies readonly StepsFor<Changing<Reconfiguration>>[];

/** What a replacement may leave in the world until the gateway is removed: entered from the moment that it begins. */
export const replacementOwns = [
  'rehearse replacement',
  'make room',
  'start replacement',
] as const satisfies readonly StepName[];

/** What tells whether a gateway serves when a change of it came to nothing. */
export const lookStep = 'look again' satisfies StepName;

/** What a removal that keeps the state does before it undoes anything, where saved states may lie, and after it. */
export const readerStep = 'fetch reader' satisfies StepName;
export const keptStep = 'read kept' satisfies StepName;

/** The step whose undo lets saved states go. */
export const roomStep = 'make room' satisfies StepName;

/** The step that holds the customer's data. */
export const stateStep = 'keep state' satisfies StepName;

/** The steps of a change, whole: what a lost run of it may have entered. */
export function stepsOfChange(change: Change): readonly string[] {
  if (change.kind === 'reconfigure') return stepsOfReconfiguration(change);
  if (change.kind !== 'rotate') return changeSteps[change.kind];
  if (change.evict) return evictSteps;
  return change.nextKeyId === undefined ? rotateSteps : rekeySteps;
}

function stepsOfReconfiguration({ channels, limits }: Reconfiguration): readonly StepName[] {
  if (limits) return channels ? limitAndChannelSteps : limitSteps;
  return channels ? reconfigureSteps : [];
}

const changeSteps: Readonly<Record<ChangeKind, readonly StepName[]>> = {
  rotate: rotateSteps,
  pair: pairSteps,
  deny: denySteps,
  unpair: unpairSteps,
  upgrade: upgradeSteps,
  rollback: rollbackSteps,
  change: upgradeSteps, // only what an older creel began
  'drop-snapshot': ['drop snapshot'],
};

/** An operation over a living gateway that undoes what it did when it cannot be finished. */
export type ChangeKind = ChangeRequest['kind'];

export function isChange(kind: string): kind is ChangeKind {
  return Object.hasOwn(changeSteps, kind);
}

/** The steps of an operation, as they go into its input: read forward, or for a clean-up those to undo. */
export function stepsOf(kind: OperationKind, entered: readonly string[], keepState: boolean): string[] {
  if (kind === 'purge') return [stateStep, 'write config'];
  if (kind !== 'remove') return [...provisionSteps];
  const everEntered = new Set(entered);
  const known = Object.keys(registry).filter((name) => everEntered.has(name));
  return known.filter((name) => !(keepState && name === stateStep));
}
