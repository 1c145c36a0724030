import Table from 'cli-table3';
import ms from 'ms';
import type { Target } from '../../client/connect.js';
import type { Frame, StepFrame, StepState } from '../../client/follow/frame.js';
import type { Listed, Lost } from '../../client/gateways.js';
import { durationText } from '../../domain/amounts.js';
import { channelFaults } from '../../domain/channels/channel.js';
import { shortId } from '../../domain/devices/device.js';
import { keepFormerMs } from '../../domain/thresholds.js';
import { taskQueue, waitsQueue } from '../../wire/ids.js';
import type { Description } from '../../wire/description.js';
import type { Park, ParkAnswer } from '../../wire/park.js';

const signs: Record<StepState, string> = {
  waiting: '·',
  running: '▸',
  done: '✓',
  failed: '✗',
  undoing: '↶',
  undone: '↶',
  skipped: '-',
};

/** Work that has waited for a worker longer than this is worth a word. */
const unattendedMs = 3_000;

/** A whole operation on a terminal: title, steps with their times and what they wait for, what is needed of the reader. */
export function frameLines(frame: Frame, now: number): string[] {
  const width = Math.max(0, ...frame.steps.map((step) => step.name.length));
  return [
    `${frame.title}  ${phaseText(frame)}${elapsedText(frame, now)}`,
    ...frame.steps.map((step) => `  ${stepLine(step, width, now)}`.trimEnd()),
    ...noteLines(frame, now).map((line) => `  ${line}`),
  ];
}

/** What a pipe is told when one frame follows another: one line for each step that changed its state, and for each note. */
export function changeLines(before: Frame | undefined, after: Frame, now: number): string[] {
  const width = Math.max(0, ...after.steps.map((step) => step.name.length));
  const known = new Map(before?.steps.map((step) => [step.name, step]));
  const steps = after.steps.filter((step) => step.state !== 'waiting' && !sameStep(known.get(step.name), step));
  const said = new Set(before ? noteLines(before, now).map(withoutTimes) : []);
  const notes = noteLines(after, now).filter((line) => !said.has(withoutTimes(line)));
  const title = before?.phase === after.phase ? [] : [`${after.title}  ${phaseText(after)}${elapsedText(after, now)}`];
  if (after.phase === 'ended')
    return [...steps.map((step) => stepLine(step, width, now).trimEnd()), ...notes, ...title];
  return [...title, ...steps.map((step) => stepLine(step, width, now).trimEnd()), ...notes];
}

/** What came of an ended operation, and what to type next. */
export function endLines(frame: Frame): string[] {
  const { record } = frame;
  const proved = record
    ? [
        `${frame.gateway} runs ${record.version}; proved usable at ${record.provedAt}: authenticated connection with ${record.operatorScopes.join(', ')}; channels: ${record.channels}`,
      ]
    : [];
  const audit = frame.proofs.map(({ at, step, proof }) => `${at}  ${step}: ${proof}`);
  const reason = frame.reason === '' ? [] : [`why: ${frame.reason}`];
  const left = frame.left.map((each) => `left behind: ${each.step} (${each.kind}): ${each.reason}`);
  const next = frame.commands.length === 0 ? [] : [`next: ${frame.commands.join('  |  ')}`];
  return [...audit, ...proved, ...reason, ...left, ...next];
}

/** A park and the commands that answer it; a cure that its reason names begins only after the answer. */
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

/** Whether a sentence names a command that waits behind whatever is parked. */
function namesChange(sentence: string, gateway: string): boolean {
  const waiting = ['provision', 'change', 'upgrade', 'rollback', 'rotate', 'pair', 'deny', 'unpair'];
  return waiting.some((word) => sentence.includes(`\`creel ${word} ${gateway}`));
}

/** Gateways as a table. What stands in it is recorded, and says so. */
export function listTable(rows: readonly Listed[], now: number): string {
  const table = new Table({
    head: ['GATEWAY', 'PHASE', 'SINCE', 'RELEASE', 'HOST', 'OPERATION', 'ATTENTION'],
    style: { head: [], border: [], compact: true },
    chars: plain,
  });
  for (const row of rows) {
    table.push([
      row.gateway,
      row.lost ? `record ${row.lost.how} (was ${row.phase})` : recordedPhase(row.phase, row.proved, now),
      row.since.replace(/\.\d+Z$/, 'Z'),
      row.release,
      row.host,
      row.operation,
      [row.needsAttention ? 'yes' : '', row.handOver ? 'hand-over due' : ''].filter((word) => word !== '').join(', '),
    ]);
  }
  return table.toString();
}

/** That a record was ended from outside, and how its gateway is taken up again. */
export function lostLine(gateway: string, birth: string, { how, at }: Lost): string {
  return `${gateway}: its record was ${how} at ${at}; what it owns is still there, and nobody acts for it. \`creel provision ${gateway} --birth ${birth} -f gateway.toml\` takes it up again, \`creel remove ${gateway} --birth ${birth}\` removes it (docs/runbook.md#lost-record)`;
}

/** A phase as recorded. A `ready` never stands alone, because nobody has looked since: it says when it was proved, where that is known. */
export function recordedPhase(phase: string, proved: string | undefined, now: number): string {
  if (phase !== 'ready') return phase;
  return proved === undefined ? 'ready (as recorded)' : `ready (proved ${ago(proved, now)})`;
}

/** What a gateway says of itself, and how the operation that runs stands. `usable` is what a probe said just now; undefined when nobody probed. */
export function describeLines(
  told: Description,
  usable: { readonly ok: boolean; readonly text: string; readonly runsOn?: string } | undefined,
  now: number,
  frame?: Frame,
): string[] {
  return [
    `${told.gateway}  ${headline(told, usable, now)}`,
    ...row('reason', told.park === undefined && told.reason),
    ...row('usable', usable && (usable.ok ? `yes, proved just now: ${usable.text}` : `NO: ${usable.text}`)),
    ...row(
      'state kept',
      told.stateKeptUntil &&
        `until ${told.stateKeptUntil}: \`creel provision ${told.gateway} --restore\` takes it up again`,
    ),
    ...lifeLines(told, now, usable?.runsOn),
    ...workLines(told),
    ...(told.park ? parkLines(told.gateway, told.park).map((line) => `  ${line}`) : []),
    ...(frame ? ['', ...frameLines(withoutPark(frame, told.park), now)] : []),
  ];
}

/** A frame beside a record that has said its park already. */
function withoutPark({ park, ...rest }: Frame, said: Park | undefined): Frame {
  return park === undefined || park.number === said?.number ? rest : { ...rest, park };
}

/** What the gateway is, as recorded. */
function lifeLines(told: Description, now: number, runsOn = told.record?.runsOn): string[] {
  const { life, record } = told;
  const spec = life?.spec;
  return [
    ...row('birth', life?.mark.birth),
    ...row('deployment', told.deployment),
    ...row('host', life?.place.host),
    ...row('engine', life?.place.engine),
    ...row('runs on', runsOn),
    ...row('release', spec && `${spec.release}${spec.dev ? ' (dev)' : ''}`),
    ...row(
      'former',
      told.former &&
        `${told.former.release} until ${told.former.until}: ${told.former.lost ? 'saved under a record that was lost, nobody goes back to it' : `\`creel rollback ${told.gateway}\` goes back to it`}`,
    ),
    ...row('limits', spec && `${spec.memoryMb} MB, ${spec.cpus} cpus`),
    ...row('channels', spec && (spec.channels.map((each) => each.kind).join(', ') || 'none')),
    ...senderFindings(told),
    ...row(
      'state',
      spec &&
        told.phase !== 'removed' &&
        (spec.keepStateMs === 0 ? 'goes with a removal' : `kept ${durationText(spec.keepStateMs)} after a removal`),
    ),
    ...row(
      'keep_former',
      spec &&
        `${durationText(spec.keepFormerMs ?? keepFormerMs)}: so long the previous release is kept after an upgrade`,
    ),
    ...row(
      'park_for',
      spec &&
        (spec.parkMs === 0
          ? '0: a stuck operation is undone at once'
          : `${durationText(spec.parkMs)}: so long a stuck operation waits for a person`),
    ),
    ...row('port', record && `127.0.0.1:${record.port}, network ${record.network} (${record.subnet})`),
    ...row('proved', record && `${record.provedAt} (${ago(record.provedAt, now)}), egress: ${record.egress}`),
    ...row('rotation', spec?.rotation),
    ...row(
      'hand-over',
      told.handOver &&
        `due: token generation ${told.handOver.generation} since ${told.handOver.since}, \`creel token show ${told.gateway}\``,
    ),
  ];
}

/** Senders that an older creel took and nobody hears, and what mends it. */
export function senderFindings({ gateway, phase, life }: Description): string[] {
  if (!life || phase === 'removed' || phase === 'none') return [];
  return channelFaults(life.spec.channels).flatMap((fault) =>
    row('finding', `${fault}. Then \`creel change ${gateway} --channels gateway.toml\``),
  );
}

/** What was done to it, and what is being done. */
function workLines(told: Description): string[] {
  const { running, last } = told;
  return [
    ...row('skipped', told.skipped.join(', ')),
    ...row('approved', told.approved.map(shortId).join(', ')),
    ...told.left.flatMap((each) => row('left', `${each.step} (${each.kind}): ${each.reason}`)),
    ...row('running', running && `operation ${running.operation}, ${running.kind}`),
    ...row('waiting', told.queue.map((each) => `operation ${each.operation}, ${each.kind}`).join('; ')),
    ...row('held until', told.held && `${told.held.until}: ${told.held.why}`),
    ...row(
      'last',
      last &&
        `operation ${last.operation}, ${last.kind}: ${last.outcome}${last.reason === '' ? '' : `, ${last.reason}`}`,
    ),
  ];
}

/** What the server has on record of a gateway that cannot answer itself. */
export function listedLines(listed: Listed, why: string, now: number): string[] {
  return [
    `${listed.gateway}  on record: ${recordedPhase(listed.phase, listed.proved, now)} since ${listed.since}`,
    ...row('birth', listed.birth),
    ...row('release', listed.release),
    ...row('host', listed.host),
    ...row('engine', listed.engine),
    ...row('attention', listed.needsAttention && 'needed'),
    `  This is what visibility holds; ${why}`,
  ];
}

/** The page of a workflow in the Temporal UI; undefined when nobody said where the UI is. */
export function uiLink(target: Pick<Target, 'ui' | 'namespace'>, workflowId: string): string | undefined {
  if (target.ui === undefined) return undefined;
  return `${target.ui.replace(/\/$/, '')}/namespaces/${target.namespace}/workflows/${encodeURIComponent(workflowId)}`;
}

function headline(told: Description, usable: { readonly ok: boolean } | undefined, now: number): string {
  if (told.phase !== 'ready') return `${told.phase} since ${told.since}`;
  if (usable) return usable.ok ? 'ready' : 'recorded as ready, but NOT usable now';
  const proved = told.record ? ` (proved ${ago(told.record.provedAt, now)})` : '';
  return `recorded: ready${proved}, not probed`;
}

function stepLine(step: StepFrame, width: number, now: number): string {
  const end = step.endedAt === undefined ? now : Date.parse(step.endedAt);
  const took = step.startedAt === undefined ? '' : seconds(end - Date.parse(step.startedAt));
  const notes = [
    step.state === 'undone' || step.state === 'skipped' ? step.state : '',
    step.attempt > 1 && !step.waits && step.state !== 'done' && step.state !== 'undone'
      ? `attempt ${step.attempt}`
      : '',
    step.sentence,
  ].filter((each) => each !== '');
  return `${signs[step.state]} ${step.name.padEnd(width)}  ${took.padStart(8)}  ${notes.join(': ')}`;
}

function noteLines(frame: Frame, now: number): string[] {
  const waited = frame.unattendedSince === undefined ? 0 : now - Date.parse(frame.unattendedSince);
  return [
    ...(frame.waitingFor === '' ? [] : [`waiting for ${frame.waitingFor}`]),
    ...(waited >= unattendedMs ? [unattended(frame, waited)] : []),
    ...(frame.park ? parkLines(frame.gateway, frame.park) : []),
  ];
}

/** Who polls says whether a worker is missing or slow. */
function unattended({ unpolled, queue = taskQueue }: Frame, waited: number): string {
  if (!unpolled) return `no worker has taken this up for ${seconds(waited)}: one polls, and is slow`;
  const [, engine] = queue.replace(waitsQueue(''), '').split('@');
  const where = engine === undefined ? '' : `; start the worker beside engine ${engine}`;
  return `no worker polls task queue ${queue}; this has waited for ${seconds(waited)}, and goes on when one runs${where}`;
}

function phaseText(frame: Frame): string {
  if (frame.phase === 'forward') return 'running';
  return frame.phase === 'ended' ? (frame.outcome ?? 'ended') : frame.phase;
}

function elapsedText(frame: Frame, now: number): string {
  if (frame.startedAt === undefined) return '';
  return `, ${seconds((frame.endedAt === undefined ? now : Date.parse(frame.endedAt)) - Date.parse(frame.startedAt))}`;
}

function sameStep(before: StepFrame | undefined, after: StepFrame): boolean {
  return (
    before?.state === after.state &&
    (after.waits || before.attempt === after.attempt) &&
    withoutTimes(before.sentence) === withoutTimes(after.sentence)
  );
}

/** A sentence that only counts on is no news for a pipe. */
function withoutTimes(text: string): string {
  return text.replaceAll(/\d+(?:\.\d+)? ?m?s\b/g, '…');
}

function row(name: string, value: string | false | undefined): string[] {
  return value === undefined || value === false || value === '' ? [] : [`  ${name.padEnd(11)} ${value}`];
}

function seconds(value: number): string {
  const shown = Math.max(0, value);
  if (shown < 1_000) return `${Math.round(shown)} ms`;
  return shown < 120_000
    ? `${(shown / 1000).toFixed(1)} s`
    : `${Math.floor(shown / 60_000)} min ${Math.round((shown % 60_000) / 1000)} s`;
}

/** How long something was ago. */
export function ago(time: string, now: number): string {
  const passed = now - Date.parse(time);
  return passed < 1_000 ? 'just now' : `${long(passed)} ago`;
}

function long(value: number): string {
  return ms(value, { long: true });
}

/** A table without lines. */
export const plain = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
};
