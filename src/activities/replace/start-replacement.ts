import type { Changing } from '../../domain/gateway/changing.js';
import type { Channel } from '../../domain/channels/channel.js';
import { NotYet, Refused, StartOver } from '../../domain/errors.js';
import { endedByRequest, gatewayContainer } from '../../domain/gateway/container.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import { canonical } from '../../domain/gateway/spec.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import {
  former,
  replaced,
  replacementLabel,
  replacementNames,
  type Replacement,
} from '../../domain/changes/replacement.js';
import { restartedStarts } from '../../domain/thresholds.js';
import { findAnswer } from '../parts/door/turn.js';
import type { Unanswered } from '../../wire/answer.js';
import { describeChannels, probeChannels } from '../parts/door/channels.js';
import { writeConfig } from '../parts/config/config.js';
import { containerOf, ensureRestartPolicy, isReplaced } from '../parts/container/container.js';
import { removeNamed } from '../parts/removal.js';
import type { Deps } from '../../world/deps.js';
import { removeDevice } from '../parts/door/control.js';
import { notedWhenRefused } from '../parts/config/refused-secrets.js';
import { noteGivenTokens } from './refused-tokens.js';
import { pairedDevices } from '../parts/door/facts.js';
import { networkOf } from '../parts/network.js';
import { openSession } from '../parts/door/operator.js';
import { moveStateOn } from '../parts/own-state.js';
import { awaitReady, firstReadyMs } from '../parts/container/readiness.js';
import { findGateway } from '../parts/reading.js';
import { releaseImageOf } from '../parts/release.js';
import { savedFacts, servedBefore } from './saved-state.js';
import { startOnState } from '../parts/container/start.js';

/** The new container runs, started once: if it ends by itself, that is judged, not started again. */
export async function ensureReplacement(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const next = replaced(gateway);
  if (!(await isReplaced(deps, gateway))) await createReplacement(deps, gateway, next);
  const container = await replacementOf(deps, gateway);
  if (container.state === 'created') {
    if ((await startOnState(deps, next, container)) === 'port taken') {
      const { port } = await networkOf(deps, gateway);
      throw new Refused(`port ${port} of gateway ${gateway.mark.gateway} was taken while it was replaced`);
    }
  }
  return `${next.spec.release} started beside ${replacementNames(gateway.mark).former} (${next.spec.memoryMb} MB, ${next.spec.cpus} cpus)`;
}

/**
 * Removes the new container and no other. Of a gateway that is being removed the previous one goes, too: whatever has
 * the gateway's own name goes with the step that made it.
 */
export async function removeReplacement(deps: Deps, gateway: Gateway | Changing<Replacement>): Promise<void> {
  if (!('change' in gateway)) return removeNamed(deps, gateway, replacementNames(gateway.mark).former);
  const engine = deps.engineAt(gateway.place);
  const found = await engine.findContainer(names(gateway.mark).container);
  if (found?.labels[replacementLabel] !== String(gateway.change.number)) return;
  await engine.removeContainer((await replacementOf(deps, gateway)).id); // Its state is not kept: just kill it.
}

/**
 * The new container has started as what was asked for; if it ends, it is refused with its last lines within a second.
 */
export async function probeReplacement(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  await replacementOf(deps, gateway);
  const next = replaced(gateway);
  await awaitThrough(deps, gateway, next, restartedStarts);
  return `${next.spec.release} is ready, by its own word`;
}

/**
 * The devices that were let in before are let in again, with the same token, and no others: an older state still knows
 * devices that were cut off since. Channels that were connected, and new ones, are connected; tokens that are refused are
 * noted before it goes back.
 */
export async function probeDevices(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const { save, take } = gateway.change;
  const next = replaced(gateway);
  await keepStarted(deps, gateway, next);
  const { devices, channels } = await savedFacts(deps, gateway, save);
  const kept = take === undefined ? { devices, channels } : await savedFacts(deps, gateway, take);
  const expected = devices.filter((each) => kept.devices.includes(each));
  const now = await pairedDevices(deps, next);
  const missing = expected.filter((each) => !now.includes(each));
  if (missing.length > 0) {
    throw new Refused(
      `devices that were paired with ${gateway.mark.gateway} are not any more: ${missing.map((each) => each.slice(0, 12)).join(', ')}`,
    );
  }
  const cutOff = take === undefined ? [] : now.filter((each) => !devices.includes(each));
  await removeDevices(deps, next, cutOff);
  const wanted = next.spec.channels.filter((each) => channels.includes(each.kind) || isNew(gateway, each));
  const before = channels.filter((each) => kept.channels.includes(each));
  const proved = { ...next, spec: { ...next.spec, channels: wanted } };
  const prove = async () => probeChannels(deps, proved, before);
  await notedWhenRefused('token', () => noteGivenTokens(deps, gateway), prove);
  const off = cutOff.length > 0 ? ` (${cutOff.length} cut off since then stay out)` : '';
  const as = (await servedBefore(deps, gateway)) ? `as before${off}` : asKept;
  return `generation ${next.tokenGeneration} and ${expected.length} devices ${as}; channels: ${await describeChannels(deps, next)}`;
}

/**
 * A message through the new container is answered. A provider that refuses, or that is not reached, would not answer
 * the previous one either: that is said, and takes nothing back.
 */
export async function probeAnswer(deps: Deps, gateway: Changing<Replacement>): Promise<string | Unanswered> {
  const next = replaced(gateway);
  await keepStarted(deps, gateway, next);
  return findAnswer(deps, next);
}

const asKept = 'as the kept state knows them (who was cut off since then could not be asked: see `creel devices`)';

function isNew({ spec }: Gateway, channel: Channel): boolean {
  return !spec.channels.some((each) => canonical(each) === canonical(channel));
}

async function removeDevices(deps: Deps, gateway: Gateway, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const session = await openSession(deps, gateway);
  try {
    for (const deviceId of ids) await removeDevice(session, deviceId);
  } finally {
    session.close();
  }
}

/** The new container is final: the engine keeps it running, and the previous one is gone. */
export async function ensureCommitted(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  await keepStarted(deps, gateway, replaced(gateway));
  await ensureRestartPolicy(deps, gateway);
  await removeNamed(deps, gateway, replacementNames(gateway.mark).former);
  return 'the previous container is gone; its state is kept';
}

/** The gateway as it is now, read back by name and proved usable. */
export async function findReplaced(deps: Deps, gateway: Changing<Replacement>): Promise<GatewayRecord> {
  return findGateway(deps, replaced(gateway));
}

async function createReplacement(deps: Deps, gateway: Changing<Replacement>, next: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const name = names(gateway.mark).container;
  if (await engine.findContainer(name)) throw new NotYet(`the previous container ${name} has not made room yet`);
  const [image, { port }] = await Promise.all([releaseImageOf(deps, next), networkOf(deps, gateway)]);
  await moveStateOn(deps, former(gateway), next);
  await writeConfig(deps, next, [...(gateway.change.takenChannels ?? []), ...gateway.spec.channels]);
  deps.signal()?.throwIfAborted();
  await engine.createContainer(gatewayContainer(next, image.id, port, deps.egress));
}

/** Starts the new container again, and waits for it, if something outside ended it meanwhile. */
async function keepStarted(deps: Deps, gateway: Changing<Replacement>, next: Gateway): Promise<void> {
  const { state } = await replacementOf(deps, gateway);
  if (state === 'exited') await awaitThrough(deps, gateway, next, restartedStarts);
}

/**
 * Waits until the new container is ready. Its engine does not restart it yet, and may itself be restarted meanwhile,
 * which ends it as a person would: by a signal. Such an end is no verdict, so it is started again; an end by itself is
 * one.
 */
async function awaitThrough(deps: Deps, gateway: Changing<Replacement>, next: Gateway, starts: number): Promise<void> {
  try {
    await awaitReady(deps, next, await firstReadyMs(deps, next, gateway.change.readyMs));
  } catch (error) {
    const container = await replacementOf(deps, gateway);
    if (!(error instanceof StartOver) || starts === 0 || !endedByRequest(container)) throw error;
    await startOnState(deps, next, container);
    await awaitThrough(deps, gateway, next, starts - 1);
  }
}

/**
 * The container that this replacement made. Another one means that this attempt is late, and the world has moved on.
 */
async function replacementOf(deps: Deps, gateway: Changing<Replacement>) {
  const container = await containerOf(deps, gateway);
  if (await isReplaced(deps, gateway)) return container;
  throw new Refused(`container ${container.name} is not the one of replacement ${gateway.change.number}`);
}
