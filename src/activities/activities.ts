import type { Page } from '../ports/pager.js';
import { probeChannels } from './parts/door/channels.js';
import { probeTurn } from './parts/door/turn.js';
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
import { findFence } from './hosts/fence.js';
import { findCapacity, findPromised, findRoom } from './hosts/ledger.js';
import { findReconciled, findUnlikeRecord } from './hosts/reconcile.js';
import { findUnlikeRecordIn } from './hosts/reconcile-region.js';
import { requestRepair } from './hosts/request-repair.js';
import { findProved, findRestarted } from './hosts/restarted.js';
import { ensureStopped, ensureSwept } from './hosts/remove-swept.js';
import { findSwept, findUnowned } from './hosts/sweep.js';
import { findUnownedIn } from './hosts/sweep-region.js';
import { findGeneration } from './provision/generation.js';
import { ensureRetired, findStrangers } from './parts/door/devices.js';
import { ensureEvicted, ensureShutOut, findEvicted } from './rotate/evict-devices.js';
import { ensureToken, restoreToken } from './rotate/apply-token.js';
import { ensureApproval, removeApproval } from './pair/approve-device.js';
import { ensureSender, probeSender, probeWaitingSender, removeSender } from './senders/approve-sender.js';
import { ensureSuspension, probeSuspendable, probeSuspended, removeSuspension } from './suspend/stop-gateway.js';
import { ensureSenderShutOut, probeAdmitted, probeSenderShutOut } from './senders/shut-out-sender.js';
import { findDevices } from './looks/devices.js';
import { findWorkerFacts } from './looks/examine.js';
import { findObstacles } from './looks/obstacles.js';
import { probePaired } from './pair/await-device.js';
import { probePairable, probeRequest } from './pair/await-request.js';
import { ensureCutOff, ensureDenial, probeCutOff, probeUnpairable } from './pair/cut-off-device.js';
import { findBought } from './looks/bought.js';
import { findOffer } from './looks/offer.js';
import { ensureAside, restoreAside } from './replace/set-aside.js';
import { probeMachine } from './parts/machine/await-machine.js';
import {
  ensureFirewall,
  ensureMachine,
  ensureMachineAddress,
  ensureMetadataFence,
  removeMachine,
} from './parts/machine/machine.js';
import { probeMachineOrder } from './parts/machine/order.js';
import { findEngines } from './parts/host/engines.js';
import { probeFence } from './provision/prove-fence.js';
import { ensureHost, findLives } from './parts/host/host.js';
import { ensureLimits, probeLimits, restoreLimits } from './reconfigure/apply-limits.js';
import { findLogLines } from './looks/log-lines.js';
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
import {
  ensureExtras,
  ensureExtrasRehearsal,
  probeExtrasChangeable,
  removeExtrasRehearsal,
  restoreExtras,
} from './reconfigure/apply-extras.js';
import { ensureModels, probeModels, probeModelsChangeable, restoreModels } from './reconfigure/apply-models.js';
import { ensureRehearsal, removeRehearsal } from './replace/rehearse-replacement.js';
import { ensureRelease } from './parts/release.js';
import { ensureRenamed } from './parts/host/renamed-engine.js';
import { ensureNextRelease, probeReplaceable } from './replace/check-replacement.js';
import {
  ensureCommitted,
  ensureReplacement,
  findReplaced,
  probeAnswer,
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
  ensureModelRehearsal,
  ensureRotationRehearsal,
  removeChannelRehearsal,
  removeModelRehearsal,
  removeRotationRehearsal,
} from './parts/container/restart-rehearsal.js';
import { callHeartbeat } from './schedules/call-heartbeat.js';
import { exportRecords } from './schedules/export-records.js';
import { findAttended, findDrift, findReleaseImages } from './schedules/report-drift.js';
import { findNewestKey } from './schedules/newest-key.js';
import { revealToken } from './looks/token.js';
import { findRotated, probeRefusal, probeToken } from './rotate/prove-token.js';

/** The steps of a gateway, and what undoes them. */
const provisioning = {
  ensureHost,
  ensureRelease,
  probeFence,
  ensureState,
  removeState,
  ensureNetwork,
  removeNetwork,
  ensureConfig,
  removeConfig,
  ensureContainer,
  removeContainer,
  probeReadiness,
  ensureOperator,
  probeChannels,
  probeTurn,
  ensureRestartPolicy,
  findGateway,
  findUnchanged,
  ensureReader,
  findKept,
};

/** A machine of the gateway's own. */
const machines = {
  probeMachineOrder,
  ensureMachine,
  removeMachine,
  ensureMachineAddress,
  probeMachine,
  ensureFirewall,
  ensureMetadataFence,
};

/** A rotation of the gateway token. */
const rotating = {
  probeRotatable,
  ensureRotationRehearsal,
  removeRotationRehearsal,
  ensureToken,
  restoreToken,
  probeToken,
  probeRefusal,
  findEvicted,
  ensureShutOut,
  ensureEvicted,
  ensureRetired,
  findStrangers,
  findRotated,
};

/** The pairing of a device, and its end. */
const pairing = {
  probePairable,
  probeRequest,
  ensureApproval,
  removeApproval,
  probePaired,
  ensureDenial,
  probeUnpairable,
  ensureCutOff,
  probeCutOff,
};

/** The pairing of a chat sender, and its end. */
const senders = {
  probeWaitingSender,
  ensureSender,
  removeSender,
  probeSender,
  probeAdmitted,
  ensureSenderShutOut,
  probeSenderShutOut,
};

/** A new container in place of the one that serves. */
const replacing = {
  probeReplaceable,
  ensureNextRelease,
  ensureRehearsal,
  removeRehearsal,
  ensureRoom,
  removeRoom,
  ensureAside,
  restoreAside,
  ensureSaved,
  ensureTaken,
  ensureReplacement,
  removeReplacement,
  probeReplacement,
  probeDevices,
  probeAnswer,
  ensureCommitted,
  findReplaced,
  ensureDropped,
};

/** Other channels, models, config and limits for the existing container. */
const reconfiguring = {
  probeReconfigurable,
  ensureChannels,
  restoreChannels,
  probeReconfigured,
  findReconfigured,
  ensureChannelRehearsal,
  removeChannelRehearsal,
  probeLimits,
  ensureLimits,
  restoreLimits,
  probeExtrasChangeable,
  ensureExtrasRehearsal,
  removeExtrasRehearsal,
  ensureExtras,
  restoreExtras,
  probeModelsChangeable,
  ensureModelRehearsal,
  removeModelRehearsal,
  ensureModels,
  restoreModels,
  probeModels,
};

/** A gateway is stopped, and stays so. */
const suspending = { probeSuspendable, ensureSuspension, removeSuspension, probeSuspended };

/** Questions, and messages to people and to other gateways. */
const looking = {
  findEngines,
  ensureRenamed,
  findLives,
  findGeneration,
  revealToken,
  mintLink,
  findDevices,
  findWorkerFacts,
  findLogLines,
  findObstacles,
  findOffer,
  findBought,
  awaitNoOperations,
  findFleet,
  surveyFleet,
  findFleetPage,
  requestRotation,
  awaitRotation,
  withdrawRotation,
  findSwept,
  findUnowned,
  findUnownedIn,
  ensureSwept,
  ensureStopped,
  findRoom,
  findCapacity,
  findFence,
  findPromised,
  findReconciled,
  findUnlikeRecord,
  findUnlikeRecordIn,
  requestRepair,
  findRestarted,
  findProved,
  page: (deps: Deps, page: Page): Promise<void> => deps.pager.page(page),
};

/** What creel does by itself. */
const schedules = {
  callHeartbeat,
  exportRecords,
  findAttended,
  findReleaseImages,
  findDrift,
  findNewestKey,
};

const all = {
  ...provisioning,
  ...machines,
  ...rotating,
  ...pairing,
  ...senders,
  ...suspending,
  ...replacing,
  ...reconfiguring,
  ...looking,
  ...schedules,
};

type All = typeof all;

/** Everything a workflow can ask of the world. The names are a format: histories quote them. */
export type Activities = {
  readonly [K in keyof All]: All[K] extends (deps: Deps, ...told: infer Told) => infer Answer
    ? (...told: Told) => Answer
    : never;
};

/**
 * The activities over a world. The door is made to speak plainly here, so that no activity can forget to clean what a
 * gateway says.
 */
export function createActivities(world: Deps): Activities {
  const deps: Deps = { ...world, door: new PlainDoor(world.door) };
  const bind = (activity: (deps: Deps, ...told: never[]) => unknown) => activity.bind(undefined, deps);
  return Object.fromEntries(Object.entries(all).map(([name, activity]) => [name, bind(activity)])) as Activities;
}
