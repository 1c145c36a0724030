import { Client, QueryRejectedError } from '@temporalio/client';
import type { GatewayRecords } from '../world/deps.js';
import { standingOn, tellRenamed } from '../client/deployment/engines.js';
import { exportedGateways, exportLines } from '../client/net/export.js';
import { findDeployment, findKeys } from '../client/deployment/hold-deployment.js';
import { isSilence, NoWorker, TurnedDown, UnknownGateway, unwrap } from '../client/failure.js';
import { gatewayIds, lookAtFleet, seeThese } from '../client/fleet.js';
import { findOwner } from '../client/net/owner.js';
import { askForPlace, countGateways, isCordoned, tellFence } from '../client/ledger.js';
import { onMachines } from '../client/net/machines.js';
import { lastReconcile } from '../client/net/reconcile.js';
import { lastSweep } from '../client/net/sweep.js';
import { ask, requestChange, standing, withdraw } from '../client/gateways.js';
import { NotYet, Refused } from '../domain/errors.js';
import type { Catalogue } from '../domain/release/release.js';

/** The records of all gateways, as activities ask for them. A record whose run has closed counts as none. */
export function gatewayRecords({ connection, options: { namespace } }: Client): GatewayRecords {
  const client = new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
  const plain = new Client({ connection, namespace });
  return {
    keys: () => findKeys(client),
    releases: releasesOf(client),
    lookAtFleet: (run, toKey) => lookAtFleet(client, run, toKey),
    gateways: () => gatewayIds(client),
    see: (gateways) => unlessGone(() => seeThese(client, gateways)).then((seen) => seen ?? new Map()),
    standingOn: (engine) => standingOn(client, engine),
    onMachines: () => onMachines(client),
    renameEngine: async (renamed) => {
      await unlessGone(() => tellRenamed(client, renamed));
    },
    describe: (gateway) => unlessGone(() => ask(client, gateway)),
    lines: (now) => exportLines(client, now),
    exported: () => exportedGateways(client),
    isCordoned: async (engine) => (await unlessGone(() => isCordoned(client, engine))) ?? false,
    owner: (gateway) => late(() => findOwner(plain, gateway)),
    lastSweep: () => lastSweep(plain),
    lastReconcile: () => lastReconcile(plain),
    place: (id, placing, queue) => answered(() => askForPlace(plain, id, placing, queue)),
    onHosts: () => late(() => countGateways(plain)),
    tellFence: (engine, fence) => tellFence(plain, engine, fence),
    request: async (gateway, asked) => (await unlessGone(() => requestChange(client, gateway, asked))) !== undefined,
    standing: (gateway, requestId) => unlessGone(() => standing(client, gateway, requestId)),
    withdraw: (gateway, asked) => unlessGone(() => withdraw(client, gateway, asked)),
  };
}

/** The releases on record; while the server does not say, those that it said last. */
function releasesOf(client: Client): () => Promise<Catalogue> {
  let known: Catalogue | undefined;
  return async () => {
    try {
      known = (await findDeployment(client))?.deployment.releases ?? [];
    } catch (error) {
      if (!known) throw error;
    }
    return known;
  };
}

/** The ledger's answer; `NotYet` until it gives one. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isSilence(error)) throw new NotYet('the ledger has not answered yet', { cause: error });
    throw unwrap(error);
  }
}

/** A worker that is late is this one. */
async function late<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof NoWorker) throw new NotYet(error.message, { cause: error });
    throw error;
  }
}

async function unlessGone<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof UnknownGateway || error instanceof QueryRejectedError) return undefined;
    if (error instanceof NoWorker) throw new NotYet(error.message, { cause: error }); // This one works: it is late.
    if (error instanceof TurnedDown && ['Refused', 'Malformed'].includes(error.kind))
      throw new Refused(error.message, { cause: error });
    throw error;
  }
}
