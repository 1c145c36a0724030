import type { Page } from '../ports/pager.js';
import { probeChannels } from './parts/door/channels.js';
import { removeConfig } from './parts/config/config.js';
import { ensureConfig } from './parts/config/repair.js';
import { ensureContainer, ensureRestartPolicy } from './parts/container/container.js';
import { removeContainer } from './parts/removal.js';
import type { Deps } from '../world/deps.js';
import {
  awaitRotation,
  findFleet,
  findFleetPage,
  requestRotation,
  surveyFleet,
  withdrawRotation,
} from './fleet/ask.js';
import { findGeneration } from './provision/generation.js';
import { ensureRetired, findStrangers } from './parts/door/devices.js';
import { ensureEvicted, ensureShutOut, findEvicted } from './rotate/evict-devices.js';
import { ensureToken, restoreToken } from './rotate/apply-token.js';
import { ensureApproval, removeApproval } from './pair/approve-device.js';
import { findDevices } from './looks/devices.js';
import { probePaired } from './pair/await-device.js';
import { probePairable, probeRequest } from './pair/await-request.js';
import { ensureCutOff, ensureDenial, probeCutOff, probeUnpairable } from './pair/cut-off-device.js';
import { ensureAside, restoreAside } from './replace/set-aside.js';
import { findEngines } from './parts/host/engines.js';
import { ensureHost, findLives } from './parts/host/host.js';
import { ensureLimits, probeLimits, restoreLimits } from './reconfigure/apply-limits.js';
import { mintLink } from './looks/link.js';
import { ensureNetwork, removeNetwork } from './parts/network.js';
import { awaitNoOperations } from './provision/earlier-operations.js';
import { ensureOperator } from './parts/door/operator.js';
import { PlainDoor } from './parts/door/plain-door.js';
import { probeReadiness } from './parts/container/readiness.js';
import { ensureReader, findKept } from './parts/kept.js';
import { findGateway, findUnchanged } from './parts/reading.js';
import {
  ensureChannels,
  findReconfigured,
  probeReconfigurable,
  probeReconfigured,
  restoreChannels,
} from './reconfigure/apply-channels.js';
import { ensureRehearsal, removeRehearsal } from './replace/rehearse-replacement.js';
import { ensureRelease } from './parts/release.js';
import { ensureRenamed } from './parts/host/renamed-engine.js';
import { ensureNextRelease, probeReplaceable } from './replace/check-replacement.js';
import {
  ensureCommitted,
  ensureReplacement,
  findReplaced,
  probeDevices,
  probeReplacement,
  removeReplacement,
} from './replace/start-replacement.js';
import { probeRotatable } from './rotate/check-rotation.js';
import { ensureDropped, ensureRoom, ensureSaved, ensureTaken, removeRoom } from './replace/saved-state.js';
import { ensureState } from './parts/keep-state.js';
import { removeState } from './parts/state.js';
import {
  ensureChannelRehearsal,
  ensureRotationRehearsal,
  removeChannelRehearsal,
  removeRotationRehearsal,
} from './parts/container/restart-rehearsal.js';
import { revealToken } from './looks/token.js';
import { findRotated, probeRefusal, probeToken } from './rotate/prove-token.js';

/**
 * Everything a workflow can ask of the world. The names are a format: histories quote them. What a gateway says is made plain
 * here, so that no activity can forget it.
 */
export function createActivities(world: Deps) {
  const deps: Deps = { ...world, door: new PlainDoor(world.door) };
  return {
    ...provisioning(deps),
    ...rotating(deps),
    ...pairing(deps),
    ...replacing(deps),
    ...reconfiguring(deps),
    ...looking(deps),
  };
}

/** The steps of a gateway, and what undoes them. */
function provisioning(deps: Deps) {
  return {
    ensureHost: ensureHost(deps),
    ensureRelease: ensureRelease(deps),
    ensureState: ensureState(deps),
    removeState: removeState(deps),
    ensureNetwork: ensureNetwork(deps),
    removeNetwork: removeNetwork(deps),
    ensureConfig: ensureConfig(deps),
    removeConfig: removeConfig(deps),
    ensureContainer: ensureContainer(deps),
    removeContainer: removeContainer(deps),
    probeReadiness: probeReadiness(deps),
    ensureOperator: ensureOperator(deps),
    probeChannels: probeChannels(deps),
    ensureRestartPolicy: ensureRestartPolicy(deps),
    findGateway: findGateway(deps),
    findUnchanged: findUnchanged(deps),
    ensureReader: ensureReader(deps),
    findKept: findKept(deps),
  };
}

/** A rotation of the gateway token. */
function rotating(deps: Deps) {
  return {
    probeRotatable: probeRotatable(deps),
    ensureRotationRehearsal: ensureRotationRehearsal(deps),
    removeRotationRehearsal: removeRotationRehearsal(deps),
    ensureToken: ensureToken(deps),
    restoreToken: restoreToken(deps),
    probeToken: probeToken(deps),
    probeRefusal: probeRefusal(deps),
    findEvicted: findEvicted(deps),
    ensureShutOut: ensureShutOut(deps),
    ensureEvicted: ensureEvicted(deps),
    ensureRetired: ensureRetired(deps),
    findStrangers: findStrangers(deps),
    findRotated: findRotated(deps),
  };
}

/** The pairing of a device, and its end. */
function pairing(deps: Deps) {
  return {
    probePairable: probePairable(deps),
    probeRequest: probeRequest(deps),
    ensureApproval: ensureApproval(deps),
    removeApproval: removeApproval(deps),
    probePaired: probePaired(deps),
    ensureDenial: ensureDenial(deps),
    probeUnpairable: probeUnpairable(deps),
    ensureCutOff: ensureCutOff(deps),
    probeCutOff: probeCutOff(deps),
  };
}

/** Another container in place of the one that serves. */
function replacing(deps: Deps) {
  return {
    probeReplaceable: probeReplaceable(deps),
    ensureNextRelease: ensureNextRelease(deps),
    ensureRehearsal: ensureRehearsal(deps),
    removeRehearsal: removeRehearsal(deps),
    ensureRoom: ensureRoom(deps),
    removeRoom: removeRoom(deps),
    ensureAside: ensureAside(deps),
    restoreAside: restoreAside(deps),
    ensureSaved: ensureSaved(deps),
    ensureTaken: ensureTaken(deps),
    ensureReplacement: ensureReplacement(deps),
    removeReplacement: removeReplacement(deps),
    probeReplacement: probeReplacement(deps),
    probeDevices: probeDevices(deps),
    ensureCommitted: ensureCommitted(deps),
    findReplaced: findReplaced(deps),
    ensureDropped: ensureDropped(deps),
  };
}

/** Other channels for the container that there is. */
function reconfiguring(deps: Deps) {
  return {
    probeReconfigurable: probeReconfigurable(deps),
    ensureChannels: ensureChannels(deps),
    restoreChannels: restoreChannels(deps),
    probeReconfigured: probeReconfigured(deps),
    findReconfigured: findReconfigured(deps),
    ensureChannelRehearsal: ensureChannelRehearsal(deps),
    removeChannelRehearsal: removeChannelRehearsal(deps),
    probeLimits: probeLimits(deps),
    ensureLimits: ensureLimits(deps),
    restoreLimits: restoreLimits(deps),
  };
}

/** Questions, and words to people and to other gateways. */
function looking(deps: Deps) {
  return {
    findEngines: findEngines(deps),
    ensureRenamed: ensureRenamed(deps),
    findLives: findLives(deps),
    findGeneration: findGeneration(deps),
    revealToken: revealToken(deps),
    mintLink: mintLink(deps),
    findDevices: findDevices(deps),
    awaitNoOperations: awaitNoOperations(deps),
    findFleet: findFleet(deps),
    surveyFleet: surveyFleet(deps),
    findFleetPage: findFleetPage(deps),
    requestRotation: requestRotation(deps),
    awaitRotation: awaitRotation(deps),
    withdrawRotation: withdrawRotation(deps),
    page: (page: Page): Promise<void> => deps.pager.page(page),
  };
}

export type Activities = ReturnType<typeof createActivities>;
