import type { Changing } from '../../domain/gateway/changing.js';
import { Refused } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { readPrepared, type Prepared } from '../../domain/release/image.js';
import { compareReleases, olderThanState } from '../../domain/release/release.js';
import { replaced, replacementLabel, replacementNames, type Replacement } from '../../domain/changes/replacement.js';
import type { Container } from '../../ports/docker-engine.js';
import { configText } from '../parts/config/config.js';
import { containerOf } from '../parts/container/container.js';
import type { Deps } from '../../world/deps.js';
import { demandHost } from '../parts/host/host.js';
import { findOurs, findOurVolume } from '../parts/ours.js';
import { openSession } from '../parts/door/operator.js';
import { demandOwned } from '../parts/config/owned.js';
import { fetchRelease, releaseImageOf } from '../parts/release.js';
import { demandRoom, roomForStart } from './room.js';
import { savedFacts } from './saved-state.js';

/**
 * Refuses a replacement before anything is touched: the gateway runs and serves, the host has room for what is asked
 * and for a saved state, the release is not older than the one that wrote the state (T13), and no name is another's. A
 * rollback is asked for because a gateway does not serve: it needs only the container on record and the saved state.
 */
export async function probeReplaceable(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  demandNewer(gateway);
  const container = await containerOf(deps, gateway);
  const isRollback = gateway.change.kind === 'rollback';
  await (isRollback ? demandSaved(deps, gateway, container) : demandServing(deps, gateway, container));
  await demandHost(deps, replaced(gateway));
  await demandNames(deps, gateway);
  const bytes = await demandRoom(deps, gateway);
  const lesser = await roomForStart(deps, gateway);
  const rehearsal = lesser === undefined ? '' : `; the rehearsal will only convert and check a copy: ${lesser}`;
  const what = isRollback ? `on ${gateway.spec.release}` : `serving ${gateway.spec.release}`;
  return `${what}; its state takes ${Math.ceil(bytes / 1024 ** 2)} MB and fits once more${rehearsal}`;
}

/** The image of the next spec is on the host, as the catalogue says, and its schemas are not older (T12, T13). */
export async function ensureNextRelease(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const next = replaced(gateway);
  const image = await fetchRelease(deps, next);
  if (gateway.change.kind === 'upgrade') {
    const [from, to] = [readPrepared(await releaseImageOf(deps, gateway)), readPrepared(image)];
    if (from && to) demandSchemas(gateway, from, to);
  }
  return `release ${next.spec.release} is on the host (${image.id})`;
}

function demandNewer({ mark, spec, change }: Changing<Replacement>): void {
  if (change.kind !== 'upgrade' || compareReleases(change.to.release, spec.release) >= 0) return;
  throw new Refused(olderThanState(mark.gateway, spec.release, change.to.release));
}

function demandSchemas({ mark, spec, change }: Changing<Replacement>, from: Prepared, to: Prepared): void {
  for (const [name, version] of Object.entries(from.schemas)) {
    const next = to.schemas[name];
    if (next !== undefined && next >= version) continue;
    throw new Refused(
      `release ${change.to.release} ${next === undefined ? 'does not say which' : `has`} ${name} schema ${next ?? 'it has'}, ${mark.gateway} runs ${spec.release} with ${version}: it would not start on that state`,
    );
  }
}

async function demandServing(deps: Deps, gateway: Gateway, container: Container): Promise<void> {
  const id = gateway.mark.gateway;
  const repair = `\`creel provision ${id}\` repairs it; nothing was touched`;
  if (container.state !== 'running') throw new Refused(`gateway ${id} does not run. ${repair}`);
  await demandOwned(deps, gateway, await configText(deps, gateway, container));
  const session = await openSession(deps, gateway);
  session.close();
  if (session.hello.version === gateway.spec.release) return;
  throw new Refused(
    `gateway ${id} runs ${session.hello.version}, on record is ${gateway.spec.release}. See docs/runbook.md#upgrade-failed`,
  );
}

async function demandSaved(deps: Deps, gateway: Changing<Replacement>, container: Container): Promise<void> {
  const { change, mark, replacement } = gateway;
  if (container.labels[replacementLabel] !== (replacement === undefined ? undefined : String(replacement)))
    throw new Refused(
      `container ${container.name} is not the one on record of ${mark.gateway}. See docs/runbook.md#upgrade-failed; nothing was touched`,
    );
  if (change.take !== undefined) await savedFacts(deps, gateway, change.take);
}

async function demandNames(deps: Deps, gateway: Gateway): Promise<void> {
  const own = replacementNames(gateway.mark);
  for (const name of [own.former, own.copier, own.rehearsal]) await findOurs(deps, gateway, name);
  for (const name of [own.trial, ...Object.values(own.savedStates)]) await findOurVolume(deps, gateway, name);
}
