/** Workflow ids and task queues: a format (layout 1) that outlives every version of the code. */

export const taskQueue = 'creel';

/** The queue of the work on one engine, served by workers beside it. */
export function engineQueue(engine: string): string {
  return `${taskQueue}@${engine}`;
}

/** The queue beside another one whose slots are for what only waits for a person or a device. */
export function waitsQueue(queue: string): string {
  return `${queue}/waits`;
}

/** The never-ending workflow whose memo says which deployment a namespace belongs to. */
export const deploymentWorkflowId = 'deployment';

/** The entity of one gateway, for all its lives. */
export function gatewayWorkflowId(gateway: string): string {
  return `gateway/${gateway}`;
}

/** Everything that runs on behalf of one gateway starts with this. */
export function operationPrefix(gateway: string): string {
  return `gateway/${gateway}/`;
}

/** The run of one operation. Numbers grow through all lives. */
export function operationWorkflowId(gateway: string, birth: string, number: number, kind: string): string {
  return `gateway/${gateway}/${birth}/${number}-${kind}`;
}

/** Every run over the whole fleet starts with this. */
const fleetPrefix = 'fleet/rotate/';

/** One rotation of the whole fleet. */
export function fleetWorkflowId(run: string): string {
  return `${fleetPrefix}${run}`;
}

/** One sweep of every engine. */
export function sweepWorkflowId(run: string): string {
  return `sweep/${run}`;
}

/** One reconciliation of every engine. */
export function reconcileWorkflowId(run: string): string {
  return `reconcile/${run}`;
}

/** The proof that what ran on an engine runs again, once for each time that the engine begins. */
export function restartWorkflowId(engine: string, upSince: string): string {
  return `engine/${engine}/restart-${upSince}`;
}

/** The proof that an engine of this former id has another one now. */
export function renamedWorkflowId(former: string): string {
  return `engine/${former}/renamed`;
}

/** A look at a worker and the engine beside it. */
export function examineWorkflowId(engine: string, nonce: string): string {
  return `engine/${engine}/examine-${nonce}`;
}

/** A look for what a machine would cost. */
export function offerWorkflowId(nonce: string): string {
  return `offer/${nonce}`;
}

/** A look for the machines that were bought. */
export function boughtWorkflowId(nonce: string): string {
  return `bought/${nonce}`;
}

/** A look for what would be refused of some gateways. */
export function foreseeWorkflowId(nonce: string): string {
  return `foresee/${nonce}`;
}

/**
 * A reading of a gateway's log. It is none of what runs on behalf of the gateway: nothing has to wait until somebody has
 * read enough.
 */
export function logWorkflowId(gateway: string, birth: string, nonce: string): string {
  return `logs/${gateway}/${birth}/${nonce}`;
}

/** A look at a gateway that changes nothing: `open` or `probe`. */
export function lookWorkflowId(gateway: string, birth: string, look: string, nonce: string): string {
  return `gateway/${gateway}/${birth}/${look}-${nonce}`;
}

/** A Temporal Schedule of creel's. */
export function scheduleId(name: string): string {
  return `creel-${name}`;
}

/** What the id of every run of a schedule starts with; the server adds when it was due: `scheduled/export-2026-11-29T02:30:00Z`. */
export function scheduledWorkflowId(name: string): string {
  return `scheduled/${name}`;
}

/** The never-ending workflow that says which host has room, one of a deployment. */
export const ledgerWorkflowId = 'ledger';
