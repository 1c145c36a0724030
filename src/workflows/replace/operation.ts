import type { Change } from '../../domain/changes/change.js';
import type { Replacement } from '../../domain/changes/replacement.js';
import { Refused } from '../../domain/errors.js';
import { compareReleases, olderThanState } from '../../domain/release/release.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import { canonical, gatewaySpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import { failedLength, failedTries, keepFormerMs, readinessMs, replacementReadyMs } from '../../domain/thresholds.js';
import type { RollbackRequest, UpgradeRequest } from '../../wire/change-requests.js';
import type { OperationResult } from '../../wire/operation.js';
import { change } from '../record/operation.js';
import type { Former, Life } from '../record/life.js';
import type { Begun } from '../record/queued.js';
import { takeNumber, type GatewayState } from '../record/state.js';
import type { Step, StepsTaking } from '../saga/step.js';
import type { Changing } from '../../domain/gateway/changing.js';
import { queueDrop } from './drop.js';

/** The rows of every replacement of a container. */
export const replacementRows = {
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
  'ask replacement': { do: 'probeAnswer', pace: 'wait', attempts: 5, once: true }, // its session goes again; each try may cost a turn
  'commit replacement': { do: 'ensureCommitted', pace: 'wait', undoneBy: 'set aside', once: true }, // what was set aside is made anew
  'read replaced': { do: 'findReplaced', pace: 'act', once: true }, // only reads
} as const satisfies StepsTaking<Changing<Replacement>>;

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
] as const;

/** The former release and the state that was saved of it, which were proved together. */
export const rollbackSteps = upgradeSteps.flatMap((step) =>
  step === 'start replacement' ? (['take state', step] as const) : [step],
);

/** The same of a gateway in whose next spec a model stands: it is asked before what served is let go. */
export function asking<S extends string>(
  steps: readonly S[],
  { models }: GatewaySpec,
): readonly (S | 'ask replacement')[] {
  if (!models) return steps;
  return steps.flatMap((step) => (step === 'commit replacement' ? (['ask replacement', step] as const) : [step]));
}

/** What a replacement may leave in the world until the gateway is removed: entered from the moment that it begins. */
export const replacementOwns = ['rehearse replacement', 'make room', 'start replacement'] as const;

/** The step whose undo lets saved states go. */
export const roomStep = 'make room';

/** Another release: proved before the previous container is let go, or as before. Each of its steps has its limit, and time in which nobody works counts for nothing. */
export const upgrade = change({
  kind: 'upgrade',
  workflow: 'replaceContainer',
  phase: 'upgrading',
  steps: replacementRows,
  list: ({ to }: Replacement) => asking(upgradeSteps, to),
  check: checkUpgrade,
  plan: planUpgrade,
  apply: applyReplacement,
});

/** The release from before the last upgrade, with the state that it was left with. */
export const rollback = change({
  kind: 'rollback',
  workflow: 'replaceContainer',
  phase: 'upgrading',
  steps: replacementRows,
  list: ({ to }: Replacement) => asking(rollbackSteps, to),
  check: checkRollback,
  plan: planRollback,
  apply: applyReplacement,
});

/** The step whose undo brings the previous gateway back: undone, the new one was tried and could not be proved. */
const asideStep = 'set aside';

function checkUpgrade(request: UpgradeRequest, life: Life): void {
  if (typeof request.dev !== 'boolean' || typeof request.retryFailed !== 'boolean')
    throw new Refused('an upgrade says whether it takes a dev release and whether it tries a failed one again');
  checkReady(request.readyMs);
  const { spec } = life.gateway;
  const { release } = upgraded(spec, request);
  if (release === spec.release) throw new Refused(`it runs release ${release} already`);
  if (compareReleases(release, spec.release) < 0) throw new Refused(noWayDown(life, release));
  const tooOften = failedTooOften(life, request);
  if (tooOften !== undefined) throw new Refused(tooOften);
}

/** Why no upgrade leads to an older release, and what does, if anything. */
function noWayDown({ gateway: { mark, spec }, former }: Life, release: string): string {
  const isOpen = former && closedTo(former) === undefined;
  const way = isOpen
    ? `\`creel rollback ${mark.gateway}\` goes back to ${former.spec.release}, with the state that it had then`
    : 'No earlier release is kept to go back to';
  return `${olderThanState(mark.gateway, spec.release, release)}. ${way}`;
}

function failedTooOften({ failed }: Life, { release, retryFailed }: UpgradeRequest): string | undefined {
  const failures = failed?.[release] ?? 0;
  if (failures < failedTries || retryFailed) return undefined;
  return `release ${release} could not be proved here ${failures} times. See docs/runbook.md#upgrade-failed; --retry-failed tries it once more`;
}

function checkRollback(request: RollbackRequest, { former }: Life): void {
  checkReady(request.readyMs);
  if (!former) throw new Refused(noFormer);
  const closed = closedTo(former);
  if (closed !== undefined) throw new Refused(closed);
}

/** Another release for the spec on record. */
function planUpgrade(state: GatewayState, life: Life, asked: UpgradeRequest): Replacement | string {
  const { spec } = life.gateway;
  const to = upgraded(spec, asked);
  if (to.release === spec.release) return `it runs release ${to.release} already`;
  const tooOften = failedTooOften(life, asked);
  if (tooOften !== undefined) return tooOften;
  return { kind: 'upgrade', to, ...beginReplacement(state, life, asked.readyMs) };
}

/** The former release with the state that was saved of it; resources and channels stay as they are on record. */
function planRollback(state: GatewayState, life: Life, asked: RollbackRequest): Replacement | string {
  const { former } = life;
  if (!former) return noFormer;
  const closed = closedTo(former);
  if (closed !== undefined) return closed;
  const { release, dev, channels } = former.spec;
  const to = { ...life.gateway.spec, release, dev };
  return {
    kind: 'rollback',
    to,
    take: former.shelf,
    takenChannels: channels,
    ...beginReplacement(state, life, asked.readyMs),
  };
}

/** The steps that its way back undoes. */
const undone: ReadonlySet<string> = new Set(
  Object.entries<Step>(replacementRows).flatMap(([step, { undo }]) => (undo === undefined ? [] : [step])),
);

/** A replacement ended. What a removal cut short is still under way; what was tried and went back counts against its release. */
export function endReplacement(
  life: Life,
  operation: Begun,
  change: Replacement,
  { outcome, reason, left, entered, proofs }: OperationResult,
): void {
  if (outcome === 'stopped' && entered.some(({ step }) => undone.has(step)))
    return unsettle(life, Math.max(0, ...entered.map(({ unsettledUntil }) => unsettledUntil)));
  if (!left.some(({ step }) => step === asideStep)) {
    const { underway: _underway, ...gateway } = life.gateway;
    life.gateway = gateway;
  }
  const tried = proofs?.some(({ step }) => step === `undo ${asideStep}`) && !reason.endsWith(': cancelled');
  if (change.kind === 'upgrade' && operation.kind !== 'way-back' && tried) countFailure(life, change.to.release);
}

/** A release could not be proved here once more. */
export function countFailure(life: Life, release: string): void {
  const { [release]: failures = 0, ...others } = life.failed ?? {};
  life.failed = Object.fromEntries([...Object.entries(others), [release, failures + 1]].slice(-failedLength));
}

/** An attempt of a replacement that was cut short may still take effect until then: a removal settles what it owns. */
export function unsettle(life: Life, until: number): void {
  const owned: readonly string[] = replacementOwns;
  life.entered = life.entered.map((each) =>
    owned.includes(each.step) ? { ...each, unsettledUntil: Math.max(each.unsettledUntil, until) } : each,
  );
}

/**
 * The spec on record is what was asked for. What it was before is the former release, with its saved state, instead of the one
 * before that; a change of shape leaves the former one.
 */
export function applyReplacement(state: GatewayState, life: Life, change: Replacement, now: number): void {
  const { gateway: before, former: earlier } = life;
  life.gateway = { ...before, spec: change.to, replacement: change.number };
  const keepMs = before.spec.keepFormerMs ?? keepFormerMs;
  if (change.kind !== 'change') life.former = { shelf: change.save, spec: before.spec, until: now + keepMs };
  if (change.kind === 'change') queueDrop(state, before);
  else if (earlier) queueDrop(state, before, earlier.spec.release);
  const { [change.to.release]: _proved, ...failed } = life.failed ?? {};
  if (life.failed) life.failed = failed;
}

export function isReplacement(change: Change): change is Replacement {
  return change.kind === 'upgrade' || change.kind === 'rollback' || change.kind === 'change';
}

/** A replacement begins. Its number is taken from the numbers of operations, which are never used twice, even after a record was lost. */
export function beginReplacement(
  state: GatewayState,
  life: Life,
  readyMs = replacementReadyMs,
): Pick<Replacement, 'number' | 'save' | 'readyMs'> {
  const number = takeNumber(state);
  const save: Shelf = life.former?.shelf === 'a' ? 'b' : 'a';
  life.gateway = { ...life.gateway, underway: { number, save } };
  const known = new Set(life.entered.map(({ step }) => step));
  const owns = replacementOwns.filter((step) => !known.has(step));
  life.entered = [...life.entered, ...owns.map((step) => ({ step, unsettledUntil: 0 }))];
  return { number, save, readyMs };
}

function upgraded(spec: GatewaySpec, { release, dev, devAsSaid }: UpgradeRequest): GatewaySpec {
  return gatewaySpec({ ...spec, release, dev: dev || (spec.dev && !devAsSaid) });
}

/** How long somebody gives a new container, or `Refused`. */
export function checkReady(readyMs: number | undefined): void {
  if (readyMs === undefined || (Number.isSafeInteger(readyMs) && readyMs >= 1_000 && readyMs <= readinessMs)) return;
  throw new Refused(`the time to get ready is ${canonical(readyMs)}: it must be 1000 to ${readinessMs} milliseconds`);
}

/** Why nobody goes back to the former release; undefined when somebody may. */
function closedTo({ spec: { release }, evicted, lost, until }: Former): string | undefined {
  if (evicted) return knowsEvicted(release);
  if (!lost) return undefined;
  return `the state of release ${release} was saved under a record that was lost: whom it lets in is not known, so nobody goes back to it. It is let go at ${new Date(until).toISOString()}`;
}

function knowsEvicted(release: string): string {
  return `the kept state of release ${release} still knows the devices that were put out since: it is let go, and nothing is kept to go back to`;
}

const noFormer = 'no earlier release is kept to go back to';
