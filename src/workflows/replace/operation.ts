import type { Change } from '../../domain/changes/change.js';
import { Refused } from '../../domain/errors.js';
import { canonical, gatewaySpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Replacement } from '../../domain/changes/replacement.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import { failedLength, failedTries, keepFormerMs, readinessMs, replacementReadyMs } from '../../domain/thresholds.js';
import type { DropRequest, RollbackRequest, UpgradeRequest } from '../../wire/change-requests.js';
import { comesFirst } from '../record/owed.js';
import { isRemoving, type GatewayState, type Queued } from '../record/state.js';
import type { OperationResult } from '../../wire/operation.js';
import { registry, replacementOwns, roomStep } from '../operations.js';

/** The step whose undo brings the previous gateway back: undone, the new one was tried and could not be proved. */
const asideStep = 'set aside';

/** The step in which the release that is to follow starts on a copy: what it refuses is said of it by name. */
const rehearseStep = 'rehearse replacement';

export function checkUpgrade(request: UpgradeRequest, state: GatewayState, spec: GatewaySpec): void {
  if (typeof request.dev !== 'boolean' || typeof request.retryFailed !== 'boolean')
    throw new Refused('an upgrade says whether it takes a dev release and whether it tries a failed one again');
  checkReady(request.readyMs);
  const { release } = upgraded(spec, request);
  if (release === spec.release) throw new Refused(`it runs release ${release} already`);
  const tooOften = failedTooOften(state, request);
  if (tooOften !== undefined) throw new Refused(tooOften);
}

function failedTooOften(state: GatewayState, { release, retryFailed }: UpgradeRequest): string | undefined {
  const failures = state.failed?.[release] ?? 0;
  if (failures < failedTries || retryFailed) return undefined;
  return `release ${release} could not be proved here ${failures} times. See docs/runbook.md#upgrade-failed; --retry-failed tries it once more`;
}

export function checkRollback(request: RollbackRequest, state: GatewayState): void {
  checkReady(request.readyMs);
  if (!state.kept) throw new Refused(nothingKept);
  const closed = closedTo(state.kept);
  if (closed !== undefined) throw new Refused(closed);
}

/** Another release for the spec on record. */
export function planUpgrade(state: GatewayState, life: Gateway, asked: UpgradeRequest): Change | string {
  const to = upgraded(life.spec, asked);
  if (to.release === life.spec.release) return `it runs release ${to.release} already`;
  const tooOften = failedTooOften(state, asked);
  if (tooOften !== undefined) return tooOften;
  return { kind: 'upgrade', to, ...beginReplacement(state, life, asked.readyMs) };
}

/** The kept spec's release with the state that was kept with it; resources and channels stay as they are on record. */
export function planRollback(state: GatewayState, life: Gateway, asked: RollbackRequest): Change | string {
  const { kept } = state;
  if (!kept) return nothingKept;
  const closed = closedTo(kept);
  if (closed !== undefined) return closed;
  const { release, dev, channels } = kept.spec;
  const to = { ...life.spec, release, dev };
  return {
    kind: 'rollback',
    to,
    take: kept.shelf,
    takenChannels: channels,
    ...beginReplacement(state, life, asked.readyMs),
  };
}

/** Everything is let go but what is still kept, and the image of its release. */
export function planDrop(
  { kept, nextOperation: below }: GatewayState,
  life: Gateway,
  { former, failures }: DropRequest,
): Change {
  const unused = former !== undefined && ![kept?.spec.release, life.spec.release].includes(former);
  const tried = failures === undefined ? {} : { failures };
  return { kind: 'drop-snapshot', below, ...(kept && { keep: kept.shelf }), ...(unused && { former }), ...tried };
}

/** A replacement ended. What a removal cut short is still under way; what was tried and went back counts against its release. */
export function endReplacement(
  state: GatewayState,
  operation: Queued,
  change: Replacement,
  { outcome, reason, left, entered, proofs }: OperationResult,
): void {
  if (outcome === 'stopped' && entered.some(({ step }) => registry[step]?.undo))
    return unsettle(state, Math.max(0, ...entered.map(({ unsettledUntil }) => unsettledUntil)));
  if (state.life && !left.some(({ step }) => step === asideStep)) {
    const { underway: _underway, ...life } = state.life;
    state.life = life;
  }
  const tried = proofs?.some(({ step }) => step === `undo ${asideStep}`) && !reason.endsWith(': cancelled');
  if (change.kind === 'upgrade' && operation.kind !== 'way-back' && tried) countFailure(state, change.to.release);
}

/** The release that an upgrade was refused for by its own rehearsal: it could not be proved, though nothing was set aside for it. */
export function refusedInRehearsal({ kind, change }: Queued, { outcome, reason }: OperationResult): string | undefined {
  if (kind !== 'upgrade' || change?.kind !== 'upgrade' || outcome !== 'undone') return undefined;
  const { release } = change.to;
  return reason.startsWith(`${rehearseStep}: release ${release} `) ? release : undefined;
}

/** A release could not be proved here once more. */
export function countFailure(state: GatewayState, release: string): void {
  const { [release]: failures = 0, ...others } = state.failed ?? {};
  state.failed = Object.fromEntries([...Object.entries(others), [release, failures + 1]].slice(-failedLength));
}

/** An attempt of a replacement that was cut short may still take effect until then: a removal settles what it owns. */
export function unsettle(state: GatewayState, until: number): void {
  const owned: readonly string[] = replacementOwns;
  state.entered = state.entered.map((each) =>
    owned.includes(each.step) ? { ...each, unsettledUntil: Math.max(each.unsettledUntil, until) } : each,
  );
}

/**
 * The spec on record is what was asked for. What it was before is kept with its state to go back to, instead of what was kept
 * before that; a change of shape leaves what is kept.
 */
export function applyReplacement(state: GatewayState, life: Gateway, change: Replacement, now: number): void {
  state.life = { ...life, spec: change.to, replacement: change.number };
  const earlier = state.kept;
  const keepMs = life.spec.keepFormerMs ?? keepFormerMs;
  if (change.kind !== 'change') state.kept = { shelf: change.save, spec: life.spec, until: now + keepMs };
  if (change.kind === 'change') queueDrop(state, life);
  else if (earlier) queueDrop(state, life, earlier.spec.release);
  const { [change.to.release]: _proved, ...failed } = state.failed ?? {};
  if (state.failed) state.failed = failed;
}

/** A saved state that was dropped is on record nowhere already, but for the tries that failed. */
export function applyDrop(state: GatewayState): void {
  delete state.dropping;
}

/**
 * A take-up has found what a lost record kept to go back to: it is let go as if it had been saved now. Its release is on its label; who was
 * put out since is on no record.
 */
export function keepFound(state: GatewayState, { saved }: Pick<OperationResult, 'saved'>, now: number): void {
  const { life, kept } = state;
  if (!saved || !life || kept) return;
  const { shelf, release } = saved;
  const until = now + (life.spec.keepFormerMs ?? keepFormerMs);
  state.kept = { shelf, spec: { ...life.spec, release }, until, lost: true };
}

/**
 * When what is kept to go back to is let go (epoch ms). Undefined where nothing is, and of a life that was taken up and not proved since: it may
 * be the only whole state.
 */
export function formerEndsAt({ kept, record }: GatewayState): number | undefined {
  return kept?.lost && !record ? undefined : kept?.until;
}

/** What was kept to go back to is let go when its time has come and nothing else is to be done. */
export function expireFormer(state: GatewayState, now: number): void {
  if (!state.kept || now < (formerEndsAt(state) ?? Infinity) || !state.life) return;
  if (comesFirst(state) || state.queue.length > 0) return;
  const { release } = state.kept.spec;
  delete state.kept;
  queueDrop(state, state.life, release);
}

export function isReplacement(change: Change): change is Replacement {
  return change.kind === 'upgrade' || change.kind === 'rollback' || change.kind === 'change';
}

/** A replacement begins. Its number is one of the numbers of operations, which are never used twice, whatever became of a record. */
export function beginReplacement(
  state: GatewayState,
  life: Gateway,
  readyMs = replacementReadyMs,
): Pick<Replacement, 'number' | 'save' | 'readyMs'> {
  const number = state.nextOperation;
  state.nextOperation += 1;
  const save: Shelf = state.kept?.shelf === 'a' ? 'b' : 'a';
  state.life = { ...life, underway: { number, save } };
  const known = new Set(state.entered.map(({ step }) => step));
  const owns = replacementOwns.filter((step) => !known.has(step));
  state.entered = [...state.entered, ...owns.map((step) => ({ step, unsettledUntil: 0 }))];
  return { number, save, readyMs };
}

/** Nobody asked for it: it follows from what was done, at once, in an operation of its own. A removal lets everything go anyway. */
function queueDrop(state: GatewayState, { place }: Gateway, former?: string): void {
  if (isRemoving(state)) return;
  const asked: DropRequest = { kind: 'drop-snapshot', requestId: 'kept time is over', origin: 'creel', place };
  const number = state.nextOperation;
  state.nextOperation += 1;
  const told = former === undefined ? asked : { ...asked, former };
  state.queue.unshift({ number, kind: 'drop-snapshot', purge: false, asked: told });
}

function upgraded(spec: GatewaySpec, { release, dev }: UpgradeRequest): GatewaySpec {
  return gatewaySpec({ ...spec, release, dev: dev || spec.dev });
}

/** How long somebody gives a new container, or `Refused`. */
export function checkReady(readyMs: number | undefined): void {
  if (readyMs === undefined || (Number.isSafeInteger(readyMs) && readyMs >= 1_000 && readyMs <= readinessMs)) return;
  throw new Refused(`the time to get ready is ${canonical(readyMs)}: it must be 1000 to ${readinessMs} milliseconds`);
}

/** Whether states may have been saved that are on no record: of a life that an older creel took up, and that no upgrade has replaced since. */
export function mayHaveSaved({ life, kept, entered }: GatewayState): boolean {
  return !kept && life?.replacement === undefined && entered.some(({ step }) => step === roomStep);
}

/** Whatever is saved and on no record is let go, because of whom it lets in. */
export function dropUnknown(state: GatewayState): void {
  if (state.life) queueDrop(state, state.life);
}

/** A rotation has put devices out that the kept state still lets in: a rollback that waits behind it comes to nothing. */
export function outdateKept(state: GatewayState): void {
  if (state.kept) state.kept = { ...state.kept, evicted: true };
}

/** Why nobody goes back to what is kept; undefined when somebody may. */
function closedTo({ spec: { release }, evicted, lost, until }: NonNullable<GatewayState['kept']>): string | undefined {
  if (evicted) return knowsEvicted(release);
  if (!lost) return undefined;
  return `the state of release ${release} was saved under a record that was lost: whom it lets in is not known, so nobody goes back to it. It is let go at ${new Date(until).toISOString()}`;
}

function knowsEvicted(release: string): string {
  return `the kept state of release ${release} still knows the devices that were put out since: it is let go, and nothing is kept to go back to`;
}

const nothingKept = 'no earlier release is kept to go back to';
