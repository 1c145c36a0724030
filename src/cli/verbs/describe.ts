import type { Client } from '@temporalio/client';
import { TurnedDown, UnknownGateway } from '../../client/failure.js';
import { describe, listRunning, placeNamed, type Described } from '../../client/gateways.js';
import { lookOnce } from '../../client/follow/follow.js';
import { lookWhetherUsable } from '../../client/usable.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import { exits, type Exit } from '../exit.js';
import { describeLines, senderFindings } from '../show/description.js';
import type { Showing } from '../show/follow.js';
import { frameLines } from '../show/frame.js';
import { listedLines } from '../show/listed.js';
import { lostLine } from '../show/lost.js';
import { renderedConfig } from '../show/rendered-config.js';
import { uiLink } from '../show/ui-link.js';
import { verb, withTemporal } from '../verb.js';

/** `creel describe`: the whole record of a gateway, and whether it is usable right now. */
export function describeCommand() {
  return verb('describe', 'show the whole record of a gateway, and whether it is usable now', [
    'creel describe g42',
    'creel describe g42 --config            the openclaw.json that creel renders, with a placeholder for every secret',
    'creel describe g42 --no-probe          what is recorded, without asking the gateway',
    'creel describe g42 --json | jq .phase',
  ])
    .argument('<id>', 'gateway id')
    .option('--no-probe', 'do not look at the gateway itself')
    .option('--config', 'print the config that creel renders for it, without a secret, and nothing else')
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      await withTemporal(options, async (client, target) => {
        const told = await describe(client, id);
        if (options.config === true) return printConfig(told, id);
        const shown = { json: options.json === true, target };
        process.exitCode =
          told.by === 'gateway'
            ? await showGateway(client, told, options.probe, shown)
            : await showRecord(client, id, told, shown);
      });
    });
}

/** Prints what creel renders for the spec on record, at the port that was read back last. */
function printConfig(told: Described, id: string): void {
  const { life, record } = told.by === 'gateway' ? told.description : {};
  if (!life || !record)
    throw new TurnedDown(
      `no spec and port of ${id} are on record here, or its worker is away. \`creel describe ${id}\` says which`,
      'Refused',
    );
  process.stdout.write(`${JSON.stringify(renderedConfig(life.spec, record.port), undefined, 2)}\n`);
}

async function showGateway(
  client: Client,
  { description: told, lost }: Extract<Described, { by: 'gateway' }>,
  probe: boolean,
  { json, target }: Showing,
): Promise<Exit> {
  if (!told.life && !told.running && !told.last)
    throw new UnknownGateway(`gateway ${told.gateway} is unknown here: nothing was ever begun`);
  const usable =
    probe && told.life && !lost && (told.phase === 'ready' || told.phase === 'degraded')
      ? await lookWhetherUsable(client, told.life)
      : undefined;
  const ui = uiLink(target, gatewayWorkflowId(told.gateway));
  if (json) {
    const looked = usable ? { usable } : { recordedOnly: true };
    process.stdout.write(`${JSON.stringify({ ...told, ...looked, ...(lost && { lost }), ...(ui && { ui }) })}\n`);
  } else {
    const now = Date.now();
    const frame = told.running && (await lookOnce(client, told.running.workflowId));
    const life = told.life && { ...told.life, place: await placeNamed(client, told.life.place) };
    const lines = [
      ...(lost ? [lostLine(told.gateway, told.life?.mark.birth ?? '…', lost), 'what it said last:'] : []),
      ...describeLines({ ...told, ...(life && { life }) }, usable, now, frame),
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

/** Without a worker: shows what visibility and the histories hold. */
async function showRecord(
  client: Client,
  id: string,
  told: Extract<Described, { by: 'record' }>,
  { json }: Showing,
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
