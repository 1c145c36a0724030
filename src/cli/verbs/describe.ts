import type { Client } from '@temporalio/client';
import type { Target } from '../../client/connect.js';
import { NoWorker, TurnedDown, UnknownGateway } from '../../client/failure.js';
import { describe, listRunning, type Described } from '../../client/gateways.js';
import { probeGateway } from '../../client/looks.js';
import { lookOnce } from '../../client/follow/follow.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import type { Description } from '../../wire/description.js';
import { exits, type Exit } from '../exit.js';
import { describeLines, frameLines, listedLines, lostLine, senderFindings, uiLink } from '../show/render.js';
import { verb, withTemporal } from '../verb.js';

type Usable = { readonly ok: boolean; readonly text: string; readonly runsOn?: string };

/** `creel describe`: the whole record of a gateway, and whether it is usable right now. */
export function describeCommand() {
  return verb('describe', 'show the whole record of a gateway, and whether it is usable now', [
    'creel describe g42',
    'creel describe g42 --no-probe          what is recorded, without asking the gateway',
    'creel describe g42 --json | jq .phase',
  ])
    .argument('<id>', 'gateway id')
    .option('--no-probe', 'do not look at the gateway itself')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      await withTemporal(options, async (client, target) => {
        const told = await describe(client, id);
        const shown = { json: options.json === true, target };
        process.exitCode =
          told.by === 'gateway'
            ? await showGateway(client, told, options.probe, shown)
            : await showRecord(client, id, told, shown);
      });
    });
}

type Shown = { readonly json: boolean; readonly target: Target };

async function showGateway(
  client: Client,
  { description: told, lost }: Extract<Described, { by: 'gateway' }>,
  probe: boolean,
  { json, target }: Shown,
): Promise<Exit> {
  if (!told.life && !told.running && !told.last)
    throw new UnknownGateway(`gateway ${told.gateway} is unknown here: nothing was ever begun`);
  const usable =
    probe && told.life && !lost && (told.phase === 'ready' || told.phase === 'degraded')
      ? await look(client, told.life)
      : undefined;
  const ui = uiLink(target, gatewayWorkflowId(told.gateway));
  if (json) {
    const looked = usable ? { usable } : { recordedOnly: true };
    process.stdout.write(`${JSON.stringify({ ...told, ...looked, ...(lost && { lost }), ...(ui && { ui }) })}\n`);
  } else {
    const now = Date.now();
    const frame = told.running && (await lookOnce(client, told.running.workflowId));
    const lines = [
      ...(lost ? [lostLine(told.gateway, told.life?.mark.birth ?? '…', lost), 'what it said last:'] : []),
      ...describeLines(told, usable, now, frame),
      ...(ui ? ['', ui] : []),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  const attention =
    ['parked', 'degraded'].includes(told.phase) ||
    told.left.length > 0 ||
    usable?.ok === false ||
    lost !== undefined ||
    senderFindings(told).length > 0;
  return attention ? exits.attention : exits.done;
}

/** Proves it now; what it is not comes back as words, because the record is worth showing all the same. */
async function look(client: Client, life: NonNullable<Description['life']>): Promise<Usable> {
  try {
    const { runsOn, version, operatorScopes, channels, findings = [] } = await probeGateway(client, life);
    const notRight = findings.map((finding) => `. Not right: ${finding}`).join('');
    const text = `release ${version}, ${operatorScopes.join(', ')}, channels: ${channels}${notRight}`;
    return { ok: true, text, ...(runsOn !== undefined && { runsOn }) };
  } catch (error) {
    if (error instanceof TurnedDown || error instanceof NoWorker) return { ok: false, text: error.message };
    throw error;
  }
}

/** Without a worker: what visibility and the histories hold. */
async function showRecord(
  client: Client,
  id: string,
  told: Extract<Described, { by: 'record' }>,
  { json }: Shown,
): Promise<Exit> {
  const frames = [];
  for await (const { workflowId } of listRunning(client, id)) frames.push(await lookOnce(client, workflowId));
  const operations = frames.filter((frame) => frame !== undefined);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...told.listed, recordedOnly: true, why: told.why, operations })}\n`);
  } else {
    const now = Date.now();
    const lines = [
      ...listedLines(told.listed, told.why, now),
      ...operations.flatMap((frame) => ['', ...frameLines(frame, now)]),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return exits.noWorker;
}
