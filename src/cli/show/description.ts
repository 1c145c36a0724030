import type { Frame } from '../../client/follow/frame.js';
import type { Usable } from '../../client/usable.js';
import { durationText, sizeText } from '../../domain/amounts.js';
import { channelFaults } from '../../domain/channels/channel.js';
import { shortId } from '../../domain/devices/device.js';
import { environmentText } from '../../domain/environment/environment.js';
import { extrasText } from '../../domain/extras/words.js';
import { channelSource } from '../../domain/gateway/spec-words.js';
import { egressText } from '../../domain/gateway/reading.js';
import { isOver, usedText } from '../../domain/gateway/state-size.js';
import { providersText, whoAnswers } from '../../domain/models/models.js';
import { keepFormerMs } from '../../domain/thresholds.js';
import type { Description } from '../../wire/description.js';
import type { Park } from '../../wire/park.js';
import { frameLines } from './frame.js';
import { parkLines } from './park.js';
import { row } from './row.js';
import { ago } from './time-text.js';

/** How many settings of `[config]` are shown. */
const configShown = 8;

/**
 * What a gateway says of itself, and the frame of the operation that runs. `usable` is the result of a probe made just
 * now; undefined when nobody probed.
 */
export function describeLines(
  told: Description,
  usable: Pick<Usable, 'ok' | 'text' | 'runsOn' | 'stateBytes'> | undefined,
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
    ...lifeLines(told, now, usable),
    ...workLines(told),
    ...(told.park ? parkLines(told.gateway, told.park).map((line) => `  ${line}`) : []),
    ...(frame ? ['', ...frameLines(withoutPark(frame, told.park), now)] : []),
  ];
}

function headline(told: Description, usable: { readonly ok: boolean } | undefined, now: number): string {
  if (told.phase !== 'ready') return `${told.phase} since ${told.since}`;
  if (usable) return usable.ok ? 'ready' : 'recorded as ready, but NOT usable now';
  const proved = told.record ? ` (proved ${ago(told.record.provedAt, now)})` : '';
  return `recorded: ready${proved}, not probed`;
}

/** The frame without its park, when the record beside it already shows that park. */
function withoutPark({ park, ...rest }: Frame, said: Park | undefined): Frame {
  return park === undefined || park.number === said?.number ? rest : { ...rest, park };
}

/** What the gateway is, as recorded; of one that is gone, what it was. */
function lifeLines(told: Description, now: number, usable: Pick<Usable, 'runsOn' | 'stateBytes'> = {}): string[] {
  const { life, phase } = told;
  const { runsOn = told.record?.runsOn } = usable;
  const spec = life?.spec;
  const lives = phase !== 'removed' && phase !== 'none';
  return [
    ...row('paid by', told.paid && paidText(told.paid)),
    ...row('refused', told.paid?.refused),
    ...row('birth', life?.mark.birth),
    ...row('deployment', told.deployment),
    ...row('host', life?.place.host),
    ...row('engine', life?.place.engine),
    ...row('runs on', lives && runsOn),
    ...row('release', spec && `${spec.release}${spec.dev ? ' (dev)' : ''}`),
    ...row('former', lives && formerText(told)),
    ...row('limits', spec && `${spec.memoryMb} MB, ${spec.cpus} cpus`),
    ...row('disk', lives && spec?.diskMb !== undefined && diskText(told, spec.diskMb, usable.stateBytes)),
    ...row('channels', spec && (spec.channels.map(channelSource).join(', ') || 'none')),
    ...row('serves', lives && servesText(told)),
    ...row('model', spec && (spec.models ? whoAnswers(spec.models) : 'none: nobody is answered')),
    ...row('provider', spec?.models && providersText(spec.models)),
    ...row('config', spec?.config && extrasText(spec.config, configShown)),
    ...row('timezone', spec?.timezone),
    ...row('environment', spec?.environment && environmentText(spec.environment)),
    ...(lives ? livingLines(told, now) : []),
  ];
}

/** The channels that its image could serve: one that it cannot is refused. */
function servesText({ record }: Description): string | undefined {
  return record?.serves && `${record.serves.join(', ') || 'no channels'}: what its image carries the plugins of`;
}

/** What its state takes of what it may, as it was counted just now, or when it was proved. */
function diskText({ record }: Description, diskMb: number, now: number | undefined): string {
  const bytes = now ?? record?.stateBytes;
  if (bytes === undefined) return `${sizeText(diskMb)}, what its state takes was not counted`;
  const when = now === undefined ? ', as it was proved' : '';
  return `state ${usedText(bytes, diskMb)}${when}${isOver(bytes, diskMb) ? ': over' : ''}`;
}

function paidText({ subscription, standing, since, plan }: NonNullable<Description['paid']>): string {
  return `subscription ${subscription}${plan === undefined ? '' : `, plan ${plan}`}: ${standing} since ${since}`;
}

function formerText({ gateway, former }: Description): string | undefined {
  if (!former) return undefined;
  const { release, until, lost } = former;
  return `${release} until ${until}: ${lost ? 'saved under a record that was lost, nobody goes back to it' : `\`creel rollback ${gateway}\` goes back to it`}`;
}

/** What is in force now. */
function livingLines(told: Description, now: number): string[] {
  const { life, record } = told;
  const spec = life?.spec;
  return [
    ...senderFindings(told),
    ...row(
      'state',
      spec &&
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
    ...row('proved', record && `${record.provedAt} (${ago(record.provedAt, now)})`),
    ...row('egress', record && egressText(record.egress)),
    ...row('rotation', spec?.rotation),
    ...row('repair', spec?.repair),
    ...row('fence', spec?.fence && 'off: its host need not be fenced'),
    ...row(
      'hand-over',
      told.handOver &&
        `due: token generation ${told.handOver.generation} since ${told.handOver.since}, \`creel token show ${told.gateway}\``,
    ),
  ];
}

/** Senders that an older creel accepted and the gateway never hears, and how to mend that. */
export function senderFindings({ gateway, phase, life }: Description): string[] {
  if (!life || phase === 'removed' || phase === 'none') return [];
  return channelFaults(life.spec.channels).flatMap((fault) =>
    row('finding', `${fault}. Then \`creel change ${gateway} --channels gateway.toml\``),
  );
}

/** What has been done to the gateway, and what is under way. */
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
