import { QueryRejectedError, type Client } from '@temporalio/client';
import { keysOf } from '../../domain/keys/deployment-keys.js';
import { exportForm, type ExportedGateway, type ExportHead, type ExportLine } from '../../domain/recovery/exported.js';
import type { Description } from '../../wire/description.js';
import { readHeld } from '../deployment/deployment.js';
import { NoWorker, UnknownGateway } from '../failure.js';
import { gatewayIds, openOnly, seeEach } from '../fleet.js';
import { ask } from '../gateways.js';
import { suspendedIn } from '../serving.js';

/** How many records are held at a time, so that a fleet of any size fits: a record has at most 128 KB. */
const pageLength = 200;

/**
 * The records of all gateways, line by line: a head, one line for each gateway that lives or whose state is kept, in no
 * order, and an end. No secrets. A record that does not answer is named at the end; when none of a page does:
 * `NoWorker`.
 */
export async function* exportLines(client: Client, now: Date): AsyncGenerator<ExportLine> {
  yield await headOf(client, now);
  const silent: string[] = [];
  let gateways = 0;
  for await (const line of exportedGateways(client, silent)) {
    gateways += 1;
    yield line;
  }
  yield { end: { gateways, silent } };
}

/** The same lines alone; those whose record does not answer are added to `silent`. */
export async function* exportedGateways(client: Client, silent: string[] = []): AsyncGenerator<ExportedGateway> {
  const asked = openOnly(client);
  for await (const page of pagesOf(gatewayIds(client), pageLength)) {
    for (const [gateway, told] of await seeEach(page, (id) => describeOpen(asked, id))) {
      const line = told === 'silent' ? undefined : told && exportedOf(told);
      if (told === 'silent') silent.push(gateway);
      if (line) yield line;
    }
  }
}

async function headOf(client: Client, now: Date): Promise<ExportHead> {
  const held = await readHeld(client);
  const { deployment, layout, epoch, engines = [], releases = [] } = held;
  const form = exportForm;
  const keys = keysOf(held);
  return {
    creel: 'export',
    form,
    at: now.toISOString(),
    deployment,
    layout,
    ...(epoch && { epoch }),
    keys,
    engines: engines.map(({ engine, host, was }) => ({ engine, host, ...(was && { was }) })),
    releases: releases.map(({ readyMs, firstReadyMs, reloadsToken, ...line }) => ({
      ...line,
      ...(readyMs !== undefined && { readyMs }),
      ...(firstReadyMs !== undefined && { firstReadyMs }),
      ...(reloadsToken !== undefined && { reloadsToken }),
    })),
  };
}

/** Each id once: a gateway that continues as new during the listing is listed twice. */
async function* pagesOf(ids: AsyncIterable<string>, length: number): AsyncGenerator<string[]> {
  const seen = new Set<string>();
  let page: string[] = [];
  for await (const id of ids) {
    if (seen.has(id)) continue;
    seen.add(id);
    page.push(id);
    if (page.length < length) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function describeOpen(client: Client, gateway: string): Promise<Description | 'silent' | undefined> {
  try {
    return await ask(client, gateway);
  } catch (error) {
    if (error instanceof UnknownGateway || error instanceof QueryRejectedError) return undefined;
    if (error instanceof NoWorker) return 'silent';
    throw error;
  }
}

/** The line of a gateway; undefined for one of which nothing is left. */
function exportedOf(told: Description): ExportedGateway | undefined {
  const { gateway, phase, since, life, burned, approved, record, stateKeptUntil, suspended, former } = told;
  if (!life || phase === 'none' || (phase === 'removed' && stateKeptUntil === undefined)) return undefined;
  return {
    gateway,
    phase,
    since,
    life,
    ...(burned && { burned }),
    approved,
    ...(record && { imageId: record.imageId, provedAt: record.provedAt }),
    ...(stateKeptUntil !== undefined && { stateKeptUntil }),
    ...(suspended && { suspended: suspendedIn(suspended) }),
    ...(former && { former: former.release }),
  };
}
